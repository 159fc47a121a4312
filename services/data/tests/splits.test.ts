import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeEntry, makeEpoch, makeMessage, type RunningData, startData, topicIn } from "./running-data.ts";

let data: RunningData;
beforeEach(async () => {
  data = await startData();
});
afterEach(async () => {
  await data[Symbol.asyncDispose]();
});

const split = makeEpoch({ epoch: 2, split: true, moveId: "s" });
const odd = makeEpoch({
  range: { i: 1, n: 2 },
  epoch: 3,
  host: "guild-1",
  incarnation: "b",
  moveId: "o",
});

test("each half of a split range is applied by itself, by whom the journal names for it", async () => {
  const { client } = data;
  const apply = async (i: number, n: number, epoch: number, watermark: bigint) => {
    const rows = [makeMessage(topicIn(i), watermark)];
    return (await client.call("apply", { range: { i, n }, epoch, rows, watermark, applied: [] })).of;
  };
  const done = { $case: "done", value: {} };
  await client.call("takeEpoch", { record: makeEpoch(), prev: undefined });
  expect(await apply(0, 1, 1, 5n)).toEqual(done);
  await client.call("takeEpoch", { record: split, prev: makeEpoch() });
  expect(await apply(0, 1, 1, 9n)).toEqual({ $case: "fenced", value: { owner: split } });
  expect(await apply(0, 2, 2, 6n)).toEqual(done);
  expect(await client.call("readWatermark", { range: { i: 1, n: 2 } })).toEqual({ position: 5n, epoch: 1 });
  expect(await client.call("takeEpoch", { record: odd, prev: split })).toEqual({ taken: true, winner: undefined });
  // It never applied by the split's epoch: the journal alone can tell that it is over.
  expect(await apply(1, 2, 2, 99n)).toEqual({ $case: "fenced", value: { owner: odd } });
  expect(await client.call("readWatermark", { range: { i: 1, n: 2 } })).toEqual({ position: 5n, epoch: 1 });
  expect(await apply(1, 2, 3, 7n)).toEqual(done);
  expect(await apply(0, 2, 2, 8n)).toEqual(done);
  expect(await client.call("readWatermark", { range: { i: 3, n: 4 } })).toEqual({ position: 7n, epoch: 3 });
  expect(await client.call("readWatermark", { range: { i: 2, n: 4 } })).toEqual({ position: 8n, epoch: 2 });
});

test("counts the topics of each shard, and refuses what is not a number of shards", async () => {
  const { client } = data;
  await client.call("takeEpoch", { record: makeEpoch(), prev: undefined });
  const records = [0, 1, 2, 3, 5].flatMap((slot) => [makeEntry(topicIn(slot), 1n), makeEntry(topicIn(slot), 2n)]);
  await client.call("append", { records });
  expect(await client.call("countTopics", { n: 2 })).toEqual({ counts: [2n, 3n] });
  expect(await client.call("countTopics", { n: 4 })).toEqual({ counts: [1n, 2n, 1n, 1n] });
  await expect(client.call("countTopics", { n: 3 })).rejects.toMatchObject({ code: "INVALID_FORM" });
});
