import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeRecord, nextEpoch, topicIn } from "../store/journal.contract.ts";
import { makeEngineRunner } from "./engine-runner.ts";
import { type JournalOp, journalKind } from "./journal-engine.ts";
import { storeKind } from "./store-engine.ts";

const topic = topicIn(5);
const take: JournalOp = { kind: "take", ask: nextEpoch(undefined) };
const append = (seq: bigint): JournalOp => ({ kind: "append", records: [makeRecord(topic, seq)] });
const countRecords = (path: string): unknown => {
  using db = new DatabaseSync(path, { readOnly: true });
  return db.prepare("SELECT count(*) AS count FROM records").get()?.count;
};

test("answers only after COMMIT has returned, with every commit forced to disk", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  const steps: string[] = [];
  using runner = makeEngineRunner(path, journalKind, (db) => {
    const { synchronous } = db.prepare("PRAGMA synchronous").get() as { synchronous: bigint };
    const { journal_mode: mode } = db.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
    steps.push(`${mode} ${synchronous}`, `others see ${countRecords(path)}`);
    db.exec("COMMIT");
    steps.push(`others see ${countRecords(path)}`);
  });
  const { answers } = runner.run([take, append(1n)]);
  steps.push(`answered ${answers.length}`);
  expect(steps).toEqual(["wal 2", "others see 0", "others see 1", "answered 2"]);
});

test("a failed commit fails all that is in it, leaves nothing half done, and the next one works", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  let fails = false;
  using runner = makeEngineRunner(path, journalKind, (db) => {
    if (fails) throw Object.assign(new Error("disk I/O error"), { errcode: 10, errstr: "disk I/O error" });
    db.exec("COMMIT");
  });
  runner.run([take, append(1n)]);
  fails = true;
  const next = nextEpoch(nextEpoch(undefined), { host: "guild-1" });
  const group: JournalOp[] = [append(2n), { kind: "take", ask: next }];
  expect(() => runner.run(group)).toThrow(expect.objectContaining({ fault: "unavailable" }));
  fails = false;
  expect(runner.run([append(3n), append(2n)]).answers).toEqual([
    { kind: "append", answers: [{ kind: "gap", last: 1n }] },
    { kind: "append", answers: [{ kind: "stored", position: 2n }] },
  ]);
});

test("a full disk fails the commit, and the journal goes on when there is room again", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  let db: DatabaseSync | undefined;
  const kind = {
    ...journalKind,
    makeEngine(opened: DatabaseSync) {
      db = opened;
      return journalKind.makeEngine(opened);
    },
  };
  using runner = makeEngineRunner(path, kind);
  runner.run([take]);
  const pages = Number((db as unknown as DatabaseSync).prepare("PRAGMA page_count").get()?.page_count);
  db?.exec(`PRAGMA max_page_count = ${pages}`);
  const large: JournalOp = { kind: "append", records: [makeRecord(topic, 1n, { event: Buffer.alloc(100_000) })] };
  expect(() => runner.run([large])).toThrow(expect.objectContaining({ message: expect.stringContaining("SQLite 13") }));
  expect(countRecords(path)).toBe(0);
  db?.exec("PRAGMA max_page_count = 1000000");
  expect(runner.run([large]).answers).toEqual([{ kind: "append", answers: [{ kind: "stored", position: 1n }] }]);
});

test("sees what another process has taken in the meantime", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  using first = makeEngineRunner(path, journalKind);
  using second = makeEngineRunner(path, journalKind);
  first.run([take, append(1n)]);
  second.run([{ kind: "take", ask: nextEpoch(nextEpoch(undefined), { host: "guild-1" }) }]);
  expect(first.run([append(2n)]).answers).toMatchObject([
    { answers: [{ kind: "fenced", owner: { host: "guild-1" } }] },
  ]);
});

test("refuses a file of another version", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  using other = new DatabaseSync(path);
  other.exec("CREATE TABLE records (a); PRAGMA user_version = 7");
  using runner = makeEngineRunner(path, journalKind);
  expect(() => runner.run([])).toThrow(expect.objectContaining({ fault: "version" }));
});

test("tells a damaged file from one that is unavailable", () => {
  using dir = makeTempDir();
  const damaged = join(dir.path, "journal.db");
  writeFileSync(damaged, Buffer.alloc(20_000, 7));
  using runner = makeEngineRunner(damaged, journalKind);
  expect(() => runner.run([])).toThrow(expect.objectContaining({ fault: "damaged" }));
  using blocked = makeEngineRunner(join(damaged, "below", "journal.db"), journalKind);
  expect(() => blocked.run([])).toThrow(expect.objectContaining({ fault: "unavailable" }));
});

test("writes nothing to a file that is no longer at its path", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "journal.db");
  using runner = makeEngineRunner(path, journalKind);
  runner.run([take]);
  renameSync(path, `${path}.away`);
  expect(() => runner.run([append(1n)])).toThrow(expect.objectContaining({ fault: "unavailable" }));
  renameSync(`${path}.away`, path);
  expect(runner.run([append(1n)]).answers).toMatchObject([{ answers: [{ kind: "stored" }] }]);
});

test("moves the log into the database, so that it does not grow without end", () => {
  using dir = makeTempDir();
  const path = join(dir.path, "store.db");
  using runner = makeEngineRunner(path, storeKind);
  const logPages = () => {
    using db = new DatabaseSync(path);
    const row = db.prepare("PRAGMA wal_checkpoint(NOOP)").get() as { log: number; checkpointed: number };
    return row.log - row.checkpointed;
  };
  const rows = Array.from({ length: 3_000 }, (_, index) => ({
    kind: "member" as const,
    ts: 1n,
    deleted: false,
    topic,
    userId: BigInt(index),
    value: new Uint8Array(6_000),
  }));
  const batch = { range: { i: 0, n: 1 }, epoch: 1, rows, watermark: 1n, applied: [] };
  runner.run([{ kind: "apply", batch }]);
  expect(logPages()).toBeGreaterThan(2_000);
  runner.tidy("busy");
  expect(logPages()).toBe(0);
});

test("tells a commit that may come back from one that certainly failed", () => {
  using dir = makeTempDir();
  const failing = (errcode: number) =>
    makeEngineRunner(join(dir.path, "journal.db"), journalKind, () => {
      throw Object.assign(new Error("disk I/O error"), { errcode, errstr: "disk I/O error" });
    });
  // SQLITE_IOERR_FSYNC: written, and not known to be on disk. SQLITE_FULL: not written.
  using fsync = failing(1034);
  expect(() => fsync.run([take])).toThrow(expect.objectContaining({ fault: "uncertain" }));
  using full = failing(13);
  expect(() => full.run([take])).toThrow(expect.objectContaining({ fault: "unavailable" }));
});
