import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { verifyDatabases } from "../src/sqlite/verification.ts";
import { startDataProcess } from "./data-process.ts";
import { makeEntry, makeEpoch, type RunningData, startData, topicIn } from "./running-data.ts";

const topics = [1, 2, 3].map((slot) => topicIn(slot));
const large = Buffer.alloc(3_000, 5);

async function fill({ client }: RunningData, records: number, event = large): Promise<void> {
  await client.call("takeEpoch", { record: makeEpoch(), prev: undefined });
  for (let seq = 1n; seq <= BigInt(records); seq += 1n) {
    await client.call("append", {
      records: topics.map((topic) => makeEntry(topic, seq, { event, requestId: topic + seq })),
    });
  }
}

/** Turns over a byte within the last run of the event's bytes. */
function damageRecord(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.lastIndexOf(large.subarray(0, 500));
  bytes[at + 100] = 0xff;
  writeFileSync(path, bytes);
}

const ask = async (data: RunningData, path: string) => (await fetch(new URL(path, data.service.metricsUrl))).text();

test("a journal with a damaged record serves, names what is lost, keeps the damaged file, and says so until that is seen to", async () => {
  using dir = makeTempDir();
  {
    await using data = await startData(dir);
    await fill(data, 20);
  }
  damageRecord(join(dir.path, "state", "journal.db"));
  {
    await using data = await startData(dir);
    const found = await Promise.all(
      topics.map((topic) => data.client.call("readTopic", { topic, fromSeq: 1n, limit: 100 })),
    );
    const whole = found.flatMap(({ records }) => records).filter(({ record }) => record?.event.equals(large));
    expect(whole).toHaveLength(59);
    expect(found.map(({ records }) => records.map(({ record }) => record?.seq))).toEqual(
      topics.map(() => Array.from({ length: 20 }, (_, index) => BigInt(index + 1))),
    );
    const ready = JSON.parse(await ask(data, "/readyz"));
    expect(ready).toEqual({
      status: "ready",
      notes: {
        journal: expect.stringMatching(/^was damaged and salvaged, 1 lost: see journal\.db\.damaged-.*\.json$/),
      },
    });
    expect(await ask(data, "/metrics")).toMatch(/^guildhall_data_engine_lost\{engine="journal"\} 1$/m);
    const answers = await data.client.call("append", { records: topics.map((topic) => makeEntry(topic, 21n)) });
    expect(answers.answers.map(({ of }) => of?.$case)).toEqual(["stored", "stored", "stored"]);
  }
  const state = join(dir.path, "state");
  const report = readdirSync(state).find((name) => name.endsWith(".json")) ?? "";
  const { keptAs, lost } = JSON.parse(readFileSync(join(state, report), "utf8"));
  expect(existsSync(join(state, keptAs))).toBe(true);
  expect(lost).toEqual([expect.stringMatching(/^topic \d+: seq \d+$/)]);
  rmSync(join(state, report));
  await using data = await startData(dir);
  expect(JSON.parse(await ask(data, "/readyz"))).toEqual({ status: "ready" });
});

test("what turns out damaged while it is used is salvaged at the next start", async () => {
  using dir = makeTempDir();
  {
    await using data = await startData(dir);
    await fill(data, 3);
  }
  writeFileSync(join(dir.path, "state", "journal.db.damaged"), "a page was not what it should be");
  await using data = await startData(dir);
  const { records } = await data.client.call("readTopic", { topic: topics[0] as bigint, fromSeq: 1n, limit: 100 });
  expect(records).toHaveLength(3);
  expect(JSON.parse(await ask(data, "/readyz")).notes.journal).toMatch(/salvaged, 0 lost/);
  expect(existsSync(join(dir.path, "state", "journal.db.damaged"))).toBe(false);
});

test("a large journal is looked through beside the work; damage that is found there is noted and told", async () => {
  using dir = makeTempDir();
  const path = join(dir.path, "state", "journal.db");
  {
    await using data = await startData(dir);
    await fill(data, 12, Buffer.alloc(600_000, 9));
    await fill(data, 13);
  }
  const damages: string[] = [];
  {
    await using whole = verifyDatabases([{ path, kind: "journal" }], (damage) => damages.push(damage));
    await whole.done;
  }
  expect(damages).toEqual([]);
  damageRecord(path);
  await using verification = verifyDatabases([{ path, kind: "journal" }], (damage) => damages.push(damage));
  await verification.done;
  expect(damages).toEqual([
    expect.stringMatching(/^.*journal\.db: the record at position \d+ is not what was appended$/),
  ]);
  expect(readFileSync(`${path}.damaged`, "utf8")).toBe(damages[0]);
  await using data = await startData(dir);
  expect(JSON.parse(await ask(data, "/readyz")).notes.journal).toMatch(/salvaged, 1 lost/);
});

test("a data process that was killed has nothing to salvage", async () => {
  using dir = makeTempDir();
  const first = startDataProcess(dir.path);
  await first.ready;
  const { client } = first;
  await client.call("takeEpoch", { record: makeEpoch(), prev: undefined });
  const appending = (async () => {
    for (let seq = 1n; ; seq += 1n) await client.call("append", { records: [makeEntry(topics[0] as bigint, seq)] });
  })().catch(() => {});
  await waitFor(async () => ((await client.call("readHeads", { topics })).heads[0]?.seq ?? 0n) > 50n);
  first.child.kill("SIGKILL");
  await first.ended;
  await client[Symbol.asyncDispose]();
  await appending;
  await using data = await startData(dir);
  expect(JSON.parse(await ask(data, "/readyz"))).toEqual({ status: "ready" });
});
