import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeMessage, Record as JournalEntry, type Row, StateKind } from "@guildhall/proto";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { nextEpoch, topicIn } from "../store/journal.contract.ts";
import { makeMessage, makeReaction } from "../store/store.contract.ts";
import type { StoreRow } from "../store/store.ts";
import { directoryKind } from "./directory-engine.ts";
import { type EngineKind, makeEngineRunner } from "./engine-runner.ts";
import { journalKind } from "./journal-engine.ts";
import type { SalvageReport } from "./salvage-report.ts";
import { storeKind } from "./store-engine.ts";

const topic = topicIn(3);
const messages = 2_000n;
/** What the journal still has. */
const journaled = 1_900n;
const channels = 300n;

let dir: TempDir;
let killed: string;
let copies = 0;

function makeChannel(key: bigint): StoreRow {
  const value = Buffer.from(`{"id":"${key}"}`);
  return { kind: "state", ts: key, deleted: false, topic, stateKind: 2, key: `${key}`, value };
}
const message = (id: bigint) => makeMessage(id, { text: "x".repeat(Number(id % 90n)) });
const wireMessage = (id: bigint): Row => {
  const { kind, ts, deleted, mentionIds, openJson, ...rest } = message(id);
  const value = { ...rest, mentionIds: [...mentionIds], openJson: Buffer.from(openJson) };
  return { ts, deleted, of: { $case: "message", value } };
};
const wireChannel = (key: bigint): Row => {
  const value = { topic, kind: StateKind.STATE_KIND_CHANNEL, key: `${key}`, value: Buffer.from(`{"id":"${key}"}`) };
  return { ts: key, deleted: false, of: { $case: "state", value } };
};

beforeAll(() => {
  dir = makeTempDir();
  const live = join(dir.path, "live");
  killed = join(dir.path, "killed");
  mkdirSync(live);
  using journal = makeEngineRunner(join(live, "journal.db"), journalKind);
  using store = makeEngineRunner(join(live, "store.db"), storeKind);
  using directory = makeEngineRunner(join(live, "directory.db"), directoryKind);
  journal.run([{ kind: "take", ask: nextEpoch(undefined) }]);
  const blank = { requestId: 0n, nonceKey: "", result: Buffer.alloc(0), event: Buffer.alloc(0) };
  for (let seq = 1n; seq <= messages; seq += 1n) {
    const rows = seq === messages ? [wireMessage(seq), wireChannel(9_999n)] : [wireMessage(seq)];
    const entry = { topic, epoch: 1, seq, ts: seq, lastId: seq, ...blank, rows };
    journal.run([{ kind: "append", records: [{ ...entry, bytes: encodeMessage(JournalEntry, entry) }] }]);
  }
  journal.run([{ kind: "trim", spans: [[1n, journaled]] }]);
  const rows: StoreRow[] = [];
  for (let id = 1n; id < messages; id += 1n) rows.push(message(id), makeReaction(id, 5n));
  for (let key = 1n; key <= channels; key += 1n) rows.push(makeChannel(key));
  const range = { i: 0, n: 1 };
  const batch = { range, epoch: 1, rows, watermark: messages - 1n, applied: [{ topic, seq: messages - 1n }] };
  store.run([{ kind: "apply", batch }]);
  store.sync();
  const entries = Array.from({ length: Number(channels) }, (_, index) => ({
    kind: 1,
    key: `${index + 1}`,
    topic,
    cell: 0,
  }));
  directory.run([{ entries }]);
  directory.sync();
  copyFiles(live, killed);
});
afterAll(() => dir[Symbol.dispose]());

/** All is in the databases by now, their logs say the same once more. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (/db$|journal\./.test(name) && !name.endsWith("-shm")) copyFileSync(join(from, name), join(to, name));
}

/** A copy, damaged, and opened; and the report when it had to be salvaged. */
async function open<Op, Answer>(name: string, kind: EngineKind<Op, Answer>, damage: (path: string) => void) {
  copies += 1;
  const folder = join(dir.path, `copy-${copies}`);
  copyFiles(killed, folder);
  const path = join(folder, name);
  damage(path);
  using runner = makeEngineRunner(path, kind);
  let report: SalvageReport | undefined;
  try {
    runner.run([]);
  } catch (error) {
    expect(error).toMatchObject({ fault: "damaged" });
    report = await runner.salvage((error as Error).message);
    runner.run([]);
    expect(existsSync(join(folder, report.keptAs))).toBe(true);
  }
  return { path, report };
}

/** The first column of what a query gives. */
function read(path: string, sql: string): unknown[] {
  using db = new DatabaseSync(path, { readOnly: true, readBigInts: true });
  return db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row)[0]);
}

function damagePage(path: string, page: number, pageSize: number): void {
  const bytes = readFileSync(path);
  bytes.fill(0xa5, (page - 1) * pageSize, page * pageSize);
  writeFileSync(path, bytes);
}

test("a damaged page of the store takes its own rows along, they are named, and the journal brings back what it has", async () => {
  const pages = Math.floor(readFileSync(join(killed, "store.db")).length / 8_192);
  let lost = 0;
  for (let page = 1; page <= pages; page += 7) {
    const { path, report } = await open("store.db", storeKind, (file) => damagePage(file, page, 8_192));
    expect(report).toBeDefined();
    const ids = new Set(read(path, "SELECT message_id FROM messages") as bigint[]);
    const missing: bigint[] = [];
    for (let id = 1n; id <= messages; id += 1n) if (!ids.has(id)) missing.push(id);
    lost += missing.length;
    expect(missing.every((id) => id <= journaled)).toBe(true);
    // Between which keys: the line of the page that they were on.
    const lines = report?.lost.filter((line) => line.startsWith("messages:") || page === 1) ?? [];
    expect(missing.length === 0 || lines.length > 0).toBe(true);
    expect(missing.length < 120).toBe(true);
    expect(read(path, "SELECT seq FROM applied")).toEqual([messages]);
    expect(read(path, "SELECT position FROM watermarks")).toEqual([messages]);
    expect(read(path, "SELECT seq FROM channels")).toHaveLength(1);
  }
  expect(lost).toBeGreaterThan(0);
});

test("a store that is cut off keeps what is left", async () => {
  const size = readFileSync(join(killed, "store.db")).length;
  const { path, report } = await open("store.db", storeKind, (file) => truncateSync(file, Math.floor(size / 2)));
  const count = read(path, "SELECT message_id FROM messages").length;
  expect(count > 500 && count < Number(messages)).toBe(true);
  expect(report?.lostCount).toBeGreaterThan(0);
  expect(report?.notes).toEqual(["rows that the journal still had are there again"]);
});

test("a damaged directory is made again of what it, store and journal know", async () => {
  const { path, report } = await open("directory.db", directoryKind, (file) => damagePage(file, 2, 4_096));
  const keys = new Set(read(path, "SELECT key FROM directory"));
  expect(keys.size).toBe(Number(channels) + 1);
  expect(keys.has("9999")).toBe(true);
  expect(report?.kept).toMatch(/^\d+ entries, \d+ more by store and journal$/);
});

test("what is no database at all is left as it is where nothing could take its place", async () => {
  const folder = join(dir.path, "foreign");
  mkdirSync(folder);
  writeFileSync(join(folder, "store.db"), Buffer.alloc(50_000, 3));
  using runner = makeEngineRunner(join(folder, "store.db"), storeKind);
  expect(() => runner.run([])).toThrow(expect.objectContaining({ fault: "damaged" }));
  await expect(runner.salvage("it is not sound")).rejects.toMatchObject({ fault: "damaged" });
  expect(existsSync(join(folder, "store.db"))).toBe(true);
});
