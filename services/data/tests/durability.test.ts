import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Record as JournalEntry } from "@guildhall/proto";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { startDataProcess } from "./data-process.ts";

const appenders = 8;
const kills = 3;
const acksBeforeKill = 150;

function makeEntry(topic: bigint, seq: bigint): JournalEntry {
  const event = Buffer.from(`event ${topic} ${seq}`);
  const blank = { lastId: 0n, nonceKey: "", result: Buffer.alloc(0), rows: [] };
  return { topic, epoch: 1, seq, ts: seq, requestId: seq, event, ...blank };
}

test("every append that was acked is there after kill -9", async () => {
  using dir = makeTempDir();
  const topics = Array.from({ length: appenders }, (_, index) => BigInt(index + 1) << 22n);
  const acked = new Map(topics.map((topic) => [topic, 0n]));
  let total = 0;
  for (let round = 0; round < kills; round += 1) {
    const data = startDataProcess(dir.path);
    await using client = data.client;
    await data.ready;
    const range = { i: 0, n: 1 };
    const epoch = { range, split: false, epoch: 1, host: "guild-0", incarnation: "a", moveId: "" };
    expect(await client.call("takeEpoch", { record: epoch, prev: undefined })).toMatchObject({ taken: true });
    const stopAt = total + acksBeforeKill;
    const writing = topics.map(async (topic) => {
      for (;;) {
        const seq = (acked.get(topic) ?? 0n) + 1n;
        const { answers } = await client.call("append", { records: [makeEntry(topic, seq)] });
        expect(answers).toMatchObject([{ of: { $case: "stored" } }]);
        acked.set(topic, seq);
        total += 1;
        if (total === stopAt) data.child.kill("SIGKILL");
      }
    });
    await Promise.allSettled(writing);
    await data.ended;
  }
  const data = startDataProcess(dir.path);
  await using client = data.client;
  await data.ready;
  for (const topic of topics) {
    const { records } = await client.call("readTopic", { topic, fromSeq: 1n, limit: 1_000 });
    const seqs = records.map(({ record }) => record?.seq ?? 0n);
    expect(seqs).toEqual(seqs.map((_, index) => BigInt(index + 1)));
    // The last append of a killed round may be there without having been acked: its writer resends it.
    expect(BigInt(seqs.length) >= (acked.get(topic) ?? 0n)).toBe(true);
    expect(records.map(({ record }) => record?.event.toString())).toEqual(seqs.map((seq) => `event ${topic} ${seq}`));
  }
  expect(total >= kills * acksBeforeKill).toBe(true);
  data.child.kill("SIGTERM");
  expect(await data.ended).toMatchObject({ code: 0 });
});

test("a damaged journal is one clear line and exit status 1", async () => {
  using dir = makeTempDir();
  mkdirSync(join(dir.path, "state"));
  writeFileSync(join(dir.path, "state", "journal.db"), Buffer.alloc(50_000, 3));
  const data = startDataProcess(dir.path);
  await using _client = data.client;
  const { code, stderr } = await data.ended;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^data: INTERNAL: damaged database: .*journal\.db/),
  ]);
});

test("a process that stood still answers all that came meanwhile, in order, and each once", async () => {
  using dir = makeTempDir();
  const data = startDataProcess(dir.path);
  await using client = data.client;
  await data.ready;
  const [topic, range] = [1n << 22n, { i: 0, n: 1 }];
  const epoch = { range, split: false, epoch: 1, host: "guild-0", incarnation: "a", moveId: "" };
  await client.call("takeEpoch", { record: epoch, prev: undefined });
  data.child.kill("SIGSTOP");
  const seqs = Array.from({ length: 50 }, (_, index) => BigInt(index + 1));
  const appending = seqs.map((seq) => client.call("append", { records: [makeEntry(topic, seq)] }));
  const applying = client.call("apply", { range, epoch: 1, rows: [], watermark: 3n, applied: [] });
  const reading = client.call("readWatermark", { range });
  data.child.kill("SIGCONT");
  const positions = (await Promise.all(appending)).map(({ answers }) => answers[0]?.of);
  expect(positions).toEqual(seqs.map((position) => ({ $case: "stored", value: { position } })));
  expect(await applying).toEqual({ of: { $case: "done", value: {} } });
  await reading;
  expect((await client.call("readTopic", { topic, fromSeq: 1n, limit: 100 })).records).toHaveLength(50);
  data.child.kill("SIGTERM");
  expect(await data.ended).toMatchObject({ code: 0 });
});
