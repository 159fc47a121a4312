import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Event, encodeMessage, Record as JournalEntry } from "@guildhall/proto";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { nextEpoch, topicIn } from "../store/journal.contract.ts";
import type { JournalRecord } from "../store/journal.ts";
import { makeEngineRunner } from "./engine-runner.ts";
import { journalKind } from "./journal-engine.ts";
import { readRecordColumns } from "./record-columns.ts";
import type { SalvageReport } from "./salvage-report.ts";
import { storeKind } from "./store-engine.ts";

/*
 * A journal is written, copied as it is after a kill -9 (database, log, and what is beside), and the copies are damaged at
 * many places. Whatever is done to it, each record that was acked is there as it was, or named as lost.
 */

const topics = [1, 2, 3, 4, 5, 6, 7].map((slot) => topicIn(slot));
const perTopic = 60n;
const appliedSeq = 30n;
const all = { i: 0, n: 1 };
const first = nextEpoch(undefined);
const split = nextEpoch(first, { split: true, moveId: "2" });
const odd = nextEpoch(split, { range: { i: 1, n: 2 }, host: "guild-1", incarnation: "b", moveId: "3" });

function makeRecord(topic: bigint, seq: bigint, epoch: number): JournalRecord {
  const blank = { requestId: topic + seq, nonceKey: "", result: Buffer.alloc(0), rows: [] };
  const content = Buffer.alloc(Number((topic + seq * 37n) % 900n), Number(seq % 256n));
  const event = { topic, epoch, seq, dispatches: [], changes: [], userChanges: [], traceparent: "" };
  const bytes = encodeMessage(JournalEntry, {
    ...{ topic, epoch, seq, ts: 1_000n + seq, lastId: seq, ...blank },
    event: Buffer.concat([
      Event.encode(event).finish(),
      Buffer.from([0xfa, 0x7f, content.length % 128]),
      content.subarray(0, content.length % 128),
    ]),
  });
  return { topic, epoch, seq, ts: 1_000n + seq, lastId: seq, requestId: topic + seq, nonceKey: "", bytes };
}
const epochOf = (topic: bigint, seq: bigint): number => {
  if (seq <= 20n) return 1;
  return (topic >> 22n) % 2n === 0n || seq <= 40n ? 2 : 3;
};

let dir: TempDir;
let killed: string;
let copies = 0;
beforeAll(() => {
  dir = makeTempDir();
  const live = join(dir.path, "live");
  killed = join(dir.path, "killed");
  mkdirSync(live);
  using journal = makeEngineRunner(join(live, "journal.db"), journalKind);
  using store = makeEngineRunner(join(live, "store.db"), storeKind);
  journal.run([{ kind: "take", ask: first }]);
  for (let seq = 1n; seq <= perTopic; seq += 1n) {
    if (seq === 21n) journal.run([{ kind: "take", ask: split }]);
    if (seq === 41n) journal.run([{ kind: "take", ask: odd }]);
    // Half of it is in the database, half in the log.
    if (seq === 35n) journal.sync();
    const records = topics.map((topic) => makeRecord(topic, seq, epochOf(topic, seq)));
    const { answers } = journal.run([{ kind: "append", records }]);
    expect(answers).toMatchObject([{ answers: topics.map(() => ({ kind: "stored" })) }]);
  }
  // The store has the first half of the first three topics.
  const applied = topics.slice(0, 3).map((topic) => ({ topic, seq: appliedSeq }));
  store.run([{ kind: "apply", batch: { range: all, epoch: 2, rows: [], watermark: 0n, applied } }]);
  copyFiles(live, killed);
});
afterAll(() => dir[Symbol.dispose]());

function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) if (!name.endsWith("-shm")) copyFileSync(join(from, name), join(to, name));
}

/** A copy, damaged, opened: which records are there as they were, and what the report says. */
async function open(damage: (folder: string) => void) {
  copies += 1;
  const folder = join(dir.path, `copy-${copies}`);
  copyFiles(killed, folder);
  damage(folder);
  const path = join(folder, "journal.db");
  using journal = makeEngineRunner(path, journalKind);
  const reports: SalvageReport[] = [];
  try {
    journal.run([]);
  } catch (error) {
    expect(error).toMatchObject({ fault: "damaged" });
    reports.push(await journal.salvage((error as Error).message));
    journal.run([]);
  }
  using db = new DatabaseSync(path, { readOnly: true, readBigInts: true });
  const there = new Map<bigint, Set<bigint>>(topics.map((topic) => [topic, new Set()]));
  for (const { topic, seq, bytes } of db.prepare("SELECT topic, seq, bytes FROM records").all() as {
    topic: bigint;
    seq: bigint;
    bytes: Uint8Array;
  }[]) {
    const isAsWritten = Buffer.from(makeRecord(topic, seq, epochOf(topic, seq)).bytes).equals(bytes);
    if (isAsWritten) there.get(topic)?.add(seq);
  }
  const heads = db.prepare("SELECT topic, seq FROM heads ORDER BY topic").all() as { topic: bigint; seq: bigint }[];
  const epochs = db
    .prepare("SELECT i, n, epoch FROM epochs ORDER BY epoch")
    .all()
    .map(({ i, n, epoch }) => `${i}/${n} ${epoch}`);
  const records = heads.map(({ topic, seq }) => makeRecord(topic, seq + 1n, epochOf(topic, perTopic)));
  const [outcome] = journal.run([{ kind: "append", records }]).answers;
  const next = outcome?.kind === "append" ? outcome.answers.map(({ kind }) => kind) : [];
  return { folder, reports, there, heads: heads.map(({ seq }) => seq), next, epochs };
}

/** What is neither there nor named. */
function unaccounted({ reports, there }: Awaited<ReturnType<typeof open>>): string[] {
  const named = new Set<string>();
  for (const line of reports.flatMap(({ lost }) => lost)) {
    const [, topic = "", from = "", to = from] = /^topic (\d+): seq (\d+)(?: to (\d+))?$/.exec(line) ?? [];
    for (let seq = BigInt(from); seq <= BigInt(to); seq += 1n) named.add(`${topic}/${seq}`);
  }
  const missing: string[] = [];
  for (const [index, topic] of topics.entries()) {
    const applied = index < 3 ? appliedSeq : 0n;
    for (let seq = applied + 1n; seq <= perTopic; seq += 1n) {
      if (!there.get(topic)?.has(seq) && !named.has(`${topic}/${seq}`)) missing.push(`${topic}/${seq}`);
    }
  }
  return missing;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
  writeFileSync(path, bytes);
}

const sizeOf = (name: string): number => readFileSync(join(killed, name)).length;

const sound = { next: topics.map(() => "stored"), epochs: ["0/1 2", "1/2 3"], unaccounted: [] as string[] };
const outcomeOf = (opened: Awaited<ReturnType<typeof open>>) => {
  return { next: opened.next, epochs: opened.epochs, unaccounted: unaccounted(opened) };
};
/** Numbers below a bound, always the same. */
const makeRandom = (seed: number) => {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

test("a journal that was killed is whole, and nothing is said", async () => {
  const opened = await open(() => {});
  expect(opened.reports).toEqual([]);
  expect(outcomeOf(opened)).toEqual(sound);
  expect(opened.heads).toEqual(topics.map(() => perTopic));
});

test.each(["journal.db-wal", "journal.db"])("whatever is cut off of %s", async (name) => {
  let reported = 0;
  for (let part = 0; part < 12; part += 1) {
    const bytes = Math.floor((sizeOf(name) * part) / 12) + part;
    const opened = await open((folder) => truncateSync(join(folder, name), bytes));
    expect({ bytes, ...outcomeOf(opened) }).toEqual({ bytes, ...sound });
    expect(opened.heads).toEqual(topics.map(() => perTopic));
    const [report] = opened.reports;
    // Where nothing was needed of what is cut off, nothing is said.
    if (report === undefined) continue;
    reported += 1;
    expect(existsSync(join(opened.folder, report.keptAs))).toBe(true);
    expect(JSON.parse(readFileSync(join(opened.folder, report.report), "utf8"))).toEqual(report);
  }
  expect(reported).toBeGreaterThan(5);
});

test("reads of an encoded record what its row is made of", () => {
  const record = makeRecord(topicIn(65_535, 9_999), 1n << 40n, 3);
  const { bytes, ...columns } = { ...record, epoch: 3n };
  expect(readRecordColumns(bytes)).toEqual(columns);
  const entry = JournalEntry.decode(bytes);
  const named = encodeMessage(JournalEntry, { ...entry, nonceKey: "1:2:ä", requestId: 0n });
  expect(readRecordColumns(named)).toEqual({ ...columns, nonceKey: "1:2:ä", requestId: 0n });
  expect(readRecordColumns(Buffer.from([9, 1, 2]))).toBeUndefined();
});

test.each(["journal.db-wal", "journal.db"])("whichever bit of %s is turned over", async (name) => {
  const random = makeRandom(7);
  let salvaged = 0;
  for (let part = 0; part < 24; part += 1) {
    const at = random(sizeOf(name));
    const opened = await open((folder) => flip(join(folder, name), at));
    salvaged += opened.reports.length;
    expect({ at, ...outcomeOf(opened) }).toEqual({ at, ...sound });
  }
  expect(salvaged).toBeGreaterThan(8);
});

test.each(["journal.db-wal", "journal.db"])("whichever page of %s is zeroes", async (name) => {
  const random = makeRandom(11);
  for (let part = 0; part < 10; part += 1) {
    const at = 4_096 * random(Math.floor(sizeOf(name) / 4_096));
    const opened = await open((folder) => {
      const bytes = readFileSync(join(folder, name));
      bytes.fill(0, at, at + 4_096);
      writeFileSync(join(folder, name), bytes);
    });
    expect({ at, ...outcomeOf(opened) }).toEqual({ at, ...sound });
  }
});

test("database and log damaged at many places at once", async () => {
  const random = makeRandom(13);
  for (let round = 0; round < 4; round += 1) {
    const opened = await open((folder) => {
      for (let flips = 0; flips < 8; flips += 1) {
        for (const name of ["journal.db-wal", "journal.db"]) flip(join(folder, name), random(sizeOf(name)));
      }
    });
    expect({ round, ...outcomeOf(opened) }).toEqual({ round, ...sound });
  }
});

test("without database, log and marks, all that the store and the copy of the EPOCHs say is gone on from", async () => {
  const opened = await open((folder) => {
    for (const name of ["journal.db", "journal.db-wal", "journal.marks"]) truncateSync(join(folder, name), 0);
    writeFileSync(join(folder, "journal.db"), "not a database at all");
  });
  expect(opened.epochs).toEqual(sound.epochs);
  expect(opened.heads).toEqual([appliedSeq + 1n, appliedSeq + 1n, appliedSeq + 1n]);
});

test("a journal that is gone is not begun anew without a word", async () => {
  const opened = await open((folder) => {
    for (const name of ["journal.db", "journal.db-wal"]) truncateSync(join(folder, name), 0);
  });
  expect(outcomeOf(opened)).toEqual(sound);
  expect(opened.reports[0]?.lostCount).toBe(3 * 30 + 4 * 60);
});

test("what is damaged beyond use, with nothing beside it, is left as it is", async () => {
  const folder = join(dir.path, "foreign");
  mkdirSync(folder);
  writeFileSync(join(folder, "journal.db"), Buffer.alloc(50_000, 3));
  using journal = makeEngineRunner(join(folder, "journal.db"), journalKind);
  expect(() => journal.run([])).toThrow(expect.objectContaining({ fault: "damaged" }));
  await expect(journal.salvage("it is not sound")).rejects.toMatchObject({ fault: "damaged" });
  expect(readFileSync(join(folder, "journal.db")).equals(Buffer.alloc(50_000, 3))).toBe(true);
});

test("a salvage that was not brought to its end is, at the next start", async () => {
  const opened = await open((folder) => truncateSync(join(folder, "journal.db-wal"), 5_000));
  const [report] = opened.reports as [SalvageReport];
  const path = join(opened.folder, "journal.db");
  // As it was before the new file had taken the name.
  renameSync(path, `${path}.salvaging`);
  renameSync(join(opened.folder, report.report), `${path}.salvaged`);
  copyFileSync(join(opened.folder, report.keptAs), path);
  using journal = makeEngineRunner(path, journalKind);
  expect(() => journal.run([])).toThrow(expect.objectContaining({ fault: "damaged" }));
  expect(await journal.salvage("unfinished")).toEqual(report);
  expect(journal.run([]).answers).toEqual([]);
});
