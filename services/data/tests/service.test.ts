import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Running } from "@guildhall/lifecycle";
import { DirectoryKind, type Record as JournalEntry, type Row, StateKind } from "@guildhall/proto";
import { createDataClient, type DataClient } from "@guildhall/rpc";
import { makeTempDir, type TempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createDataService, readDataConfig } from "../src/index.ts";

const topic = 9n << 22n;
const channelId = topic;
const range = { i: 0, n: 1 };
const epoch = { range, split: false, epoch: 1, host: "guild-0", incarnation: "a", moveId: "m" };

let dir: TempDir;
let service: Running | undefined;
let client: DataClient;

function start(): Promise<Running> {
  const config = readDataConfig({
    GUILDHALL_LISTEN: `unix:${join(dir.path, "data.sock")}`,
    GUILDHALL_STATE_DIR: join(dir.path, "state"),
    GUILDHALL_LOG_LEVEL: "silent",
  });
  return createDataService(config, {
    onFatal(error) {
      throw error;
    },
  });
}

beforeEach(() => {
  dir = makeTempDir();
  client = createDataClient(`unix:${join(dir.path, "data.sock")}`);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await service?.[Symbol.asyncDispose]();
  service = undefined;
  dir[Symbol.dispose]();
});

function makeEntry(seq: bigint, rest: Partial<JournalEntry> = {}): JournalEntry {
  const blank = { requestId: 0n, nonceKey: "", result: Buffer.alloc(0), rows: [], event: Buffer.alloc(0) };
  return { topic, epoch: 1, seq, ts: seq, lastId: seq, ...blank, ...rest };
}

function makeMessage(messageId: bigint): Row {
  const openJson = Buffer.from(`{"id":"${messageId}"`);
  const value = { channelId, messageId, authorId: 1n, mentionIds: [2n], openJson, seq: messageId, referenceId: 0n };
  return { ts: messageId, deleted: false, of: { $case: "message", value } };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(service?.metricsUrl ?? "")).text();
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, "m").exec(text)?.[1]);
}

test("journals: epochs, records, tail, retries, heads", async () => {
  service = await start();
  const result = Buffer.from("answered");
  expect(await client.call("takeEpoch", { record: epoch, prev: undefined })).toEqual({
    taken: true,
    winner: undefined,
  });
  expect(await client.call("takeEpoch", { record: { ...epoch, host: "guild-1" }, prev: undefined })).toEqual({
    taken: false,
    winner: epoch,
  });
  expect(await client.call("readEpochs", { range })).toEqual({ records: [epoch] });
  const first = makeEntry(1n, { requestId: 44n, nonceKey: "1:2:n", result, rows: [makeMessage(1n)] });
  const { answers } = await client.call("append", { records: [first, makeEntry(2n, { epoch: 2 }), makeEntry(3n)] });
  expect(answers.map(({ of }) => of)).toEqual([
    { $case: "stored", value: { position: 1n } },
    { $case: "fenced", value: { owner: epoch } },
    { $case: "gap", value: { last: 1n } },
  ]);
  const tail = await client.call("readTail", { range, after: 0n, limit: 10 });
  expect(tail).toEqual({ records: [{ position: 1n, record: first }], readTo: 1n, end: true });
  expect(await client.call("readTopic", { topic, fromSeq: 1n, limit: 10 })).toEqual({
    records: tail.records,
    floor: 1n,
  });
  expect(await client.call("readRetries", { range, sinceTs: 0n, after: "" })).toEqual({
    retries: [{ topic, requestId: 44n, nonceKey: "1:2:n", ts: 1n, result }],
    next: "",
  });
  expect(await client.call("readHeads", { topics: [topic, 1n] })).toEqual({
    heads: [{ topic, epoch: 1, seq: 1n, lastId: 1n, lastTs: 1n }],
  });
  expect(await metric("guildhall_data_journal_commit_seconds_count")).toBeGreaterThan(0);
});

test("stores: rows, watermark, fence, pages", async () => {
  service = await start();
  const state: Row = {
    ts: 1n,
    deleted: false,
    of: { $case: "state", value: { topic, kind: StateKind.STATE_KIND_ROLE, key: "5", value: Buffer.from("{}") } },
  };
  const member: Row = {
    ts: 1n,
    deleted: false,
    of: { $case: "member", value: { topic, userId: 3n, value: Buffer.from("{}") } },
  };
  const rows = [state, member, makeMessage(1n), makeMessage(2n)];
  const applied = [{ topic, epoch: 2, seq: 7n }];
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  await client.call("takeEpoch", { record: { ...epoch, epoch: 2 }, prev: epoch });
  const batch = { range, epoch: 2, rows, watermark: 12n, applied };
  expect(await client.call("apply", batch)).toEqual({ of: { $case: "done", value: {} } });
  expect(await client.call("apply", { ...batch, epoch: 1 })).toEqual({
    of: { $case: "fenced", value: { owner: { ...epoch, epoch: 2 } } },
  });
  expect(await client.call("readWatermark", { range: { i: 3, n: 4 } })).toEqual({ position: 12n, epoch: 2 });
  expect(await client.call("loadGuild", { topic, after: "" })).toEqual({ rows: [state], appliedSeq: 7n, next: "" });
  expect(await client.call("loadMembers", { topic, userIds: [3n, 4n] })).toEqual({ rows: [member] });
  expect(await client.call("listMemberRows", { topic, after: 0n, limit: 5 })).toEqual({ rows: [member] });
  const loaded = await client.call("loadMessages", { channelId, messageIds: [2n], after: "" });
  expect(loaded).toEqual({ rows: [makeMessage(2n)], next: "" });
  const ask = {
    channelId,
    before: 0n,
    after: 0n,
    around: 0n,
    limit: 0,
    viewerId: 1n,
    lastSeq: 2n,
    tail: [],
    messageId: 0n,
  };
  const pages = await Promise.all(Array.from({ length: 32 }, () => client.call("page", ask)));
  expect(new Set(pages.map(({ json }) => json.toString()))).toEqual(new Set(['[{"id":"2"},{"id":"1"}]']));
  expect(await metric("guildhall_data_page_queries_total")).toBe(1);
  expect(await metric("guildhall_data_page_requests_total")).toBe(32);
  const one = await client.call("page", { ...ask, messageId: 1n, tail: [makeMessage(3n)], lastSeq: 3n });
  expect(one).toEqual({ json: Buffer.from('[{"id":"1"}]'), count: 1 });
});

test("applies a batch without the row that no database can hold, and counts that one", async () => {
  service = await start();
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  const reaction = { channelId, messageId: 1n, emojiId: (1n << 64n) - 1n, emojiName: "x", userId: 5n, seq: 2n };
  const odd: Row = { ts: 2n, deleted: false, of: { $case: "reaction", value: reaction } };
  const batch = { range, epoch: 1, rows: [odd, makeMessage(1n)], watermark: 2n, applied: [] };
  expect(await client.call("apply", batch)).toEqual({ of: { $case: "done", value: {} } });
  expect(await client.call("readWatermark", { range })).toEqual({ position: 2n, epoch: 1 });
  expect((await client.call("loadMessages", { channelId, messageIds: [1n], after: "" })).rows).toHaveLength(1);
  expect(await metric("guildhall_data_store_left_out_rows_total")).toBe(1);
});

test("directs: puts what is absent and finds it", async () => {
  service = await start();
  const key = { kind: DirectoryKind.DIRECTORY_KIND_INVITE, key: "abc" };
  const entry = { key, topic, cell: 0 };
  expect(await client.call("putDirectory", { entries: [entry] })).toEqual({ entries: [entry] });
  expect(await client.call("putDirectory", { entries: [{ ...entry, topic: 1n }] })).toEqual({ entries: [entry] });
  expect(await client.call("findDirectory", { keys: [key, { ...key, key: "none" }] })).toEqual({ entries: [entry] });
  const bad = client.call("putDirectory", { entries: [{ ...entry, key: { ...key, key: "" } }] });
  await expect(bad).rejects.toMatchObject({ code: "INVALID_FORM" });
});

test("lives on without its folder, says so, and works once the folder can be written", async () => {
  const state = join(dir.path, "state");
  writeFileSync(state, "a file where the folder should be");
  service = await start();
  const append = () => client.call("append", { records: [makeEntry(1n)] });
  await expect(append()).rejects.toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
  await expect(client.call("readWatermark", { range })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(client.call("putDirectory", { entries: [] })).rejects.toMatchObject({ code: "DIRECTORY_UNAVAILABLE" });
  const ready = async () => (await fetch(new URL("/readyz", service?.metricsUrl))).status;
  expect(await ready()).toBe(503);
  rmSync(state);
  await waitFor(async () => (await ready()) === 200);
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  expect((await append()).answers).toMatchObject([{ of: { $case: "stored" } }]);
  await waitFor(async () => (await client.call("readWatermark", { range })).position === 0n);
});

test("the journal works while the store does not", async () => {
  service = await start();
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  rmSync(join(dir.path, "state", "store.db"));
  const rows = [makeMessage(1n)];
  const apply = client.call("apply", { range, epoch: 1, rows, watermark: 1n, applied: [] });
  await expect(apply).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  const { answers } = await client.call("append", { records: [makeEntry(1n)] });
  expect(answers).toMatchObject([{ of: { $case: "stored" } }]);
});

test("does not start on a folder of another version", async () => {
  service = await start();
  await service[Symbol.asyncDispose]();
  service = undefined;
  using db = new DatabaseSync(join(dir.path, "state", "store.db"));
  db.exec("PRAGMA user_version = 99");
  await expect(start()).rejects.toMatchObject({ code: "STATE_VERSION" });
});

test("a former owner can apply nothing from the moment that another took its range, whatever it knows", async () => {
  service = await start();
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  const apply = (by: number, watermark: bigint) =>
    client.call("apply", { range, epoch: by, rows: [makeMessage(watermark)], watermark, applied: [] });
  expect(await apply(1, 1n)).toMatchObject({ of: { $case: "done" } });
  const next = { ...epoch, epoch: 2, host: "guild-1", incarnation: "b" };
  expect(await client.call("takeEpoch", { record: next, prev: epoch })).toMatchObject({ taken: true });
  expect(await apply(1, 9n)).toEqual({ of: { $case: "fenced", value: { owner: next } } });
  expect(await client.call("readWatermark", { range })).toEqual({ position: 1n, epoch: 1 });
  expect(await apply(2, 2n)).toMatchObject({ of: { $case: "done" } });
});
