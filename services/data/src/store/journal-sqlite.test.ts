import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeTempDir } from "@guildhall/testing";
import { describe, expect, test } from "@jest/globals";
import { makeSqliteDirectory } from "./directory-sqlite.ts";
import { type JournalFixture, journalContract, makeRecord, nextEpoch, topicIn } from "./journal.contract.ts";
import { makeSqliteJournal, type SqliteJournal } from "./journal-sqlite.ts";

async function create(): Promise<JournalFixture> {
  const dir = makeTempDir();
  const open = async () => {
    const journal = makeSqliteJournal({ folder: dir.path, onFatal: fail });
    await journal.open();
    return journal;
  };
  let journal: SqliteJournal = await open();
  return {
    journal,
    async reopen() {
      await journal[Symbol.asyncDispose]();
      journal = await open();
      return journal;
    },
    async [Symbol.asyncDispose]() {
      await journal[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

function fail(error: unknown): never {
  throw error;
}

describe("the journal in SQLite", () => journalContract(create));

test("records that arrive during a commit form the next group", async () => {
  using dir = makeTempDir();
  const groups: number[] = [];
  await using journal = makeSqliteJournal({
    folder: dir.path,
    onFatal: fail,
    onCommitted: ({ records }) => groups.push(records),
  });
  await journal.open();
  await journal.takeEpoch(nextEpoch(undefined));
  const first = journal.append([makeRecord(topicIn(0), 1n)]);
  await Promise.resolve();
  await Promise.resolve();
  const others = Array.from({ length: 40 }, (_, index) => journal.append([makeRecord(topicIn(index + 1), 1n)]));
  await Promise.all([first, ...others]);
  expect(groups).toEqual([1, 40]);
});

test("refuses with QUEUE_FULL what would make too much wait, and takes more once it has committed", async () => {
  using dir = makeTempDir();
  await using journal = makeSqliteJournal({ folder: dir.path, onFatal: fail });
  await journal.open();
  await journal.takeEpoch(nextEpoch(undefined));
  const many = (first: number) =>
    Array.from({ length: 8_000 }, (_, index) => makeRecord(topicIn((first + index) % 65_536, first + 1), 1n));
  const outcomes = await Promise.allSettled([0, 1, 2, 3].map((call) => journal.append(many(call * 10_000))));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  expect(outcomes[3]).toMatchObject({ reason: { code: "QUEUE_FULL" } });
  expect(journal.queued).toBe(0);
  const [answer] = await journal.append([makeRecord(topicIn(0, 999), 1n)]);
  expect(answer).toMatchObject({ kind: "stored" });
});

test("does not answer while the commit cannot be made", async () => {
  using dir = makeTempDir();
  await using journal = makeSqliteJournal({ folder: dir.path, onFatal: fail });
  await using directory = makeSqliteDirectory({ folder: dir.path, onFatal: fail });
  await Promise.all([journal.open(), directory.open()]);
  await journal.takeEpoch(nextEpoch(undefined));
  let answered = false;
  using other = new DatabaseSync(join(dir.path, "journal.db"));
  other.exec("BEGIN IMMEDIATE");
  const appending = journal.append([makeRecord(topicIn(0), 1n)]).then((answers) => {
    answered = true;
    return answers;
  });
  // Time enough for an answer that does not wait: each of these goes to a thread, to the disk and back.
  for (let put = 0; put < 20; put += 1) await directory.put([{ kind: 1, key: String(put), topic: 1n, cell: 0 }]);
  expect(answered).toBe(false);
  other.exec("ROLLBACK");
  expect(await appending).toEqual([{ kind: "stored", position: 1n }]);
});
