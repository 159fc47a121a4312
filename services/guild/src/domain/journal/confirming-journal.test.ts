import type { Apply, EpochRecord } from "@guildhall/proto";
import { describe, expect, test } from "@jest/globals";
import { type Fate, ManualLog } from "../../../tests/manual-log.ts";
import type { Journal, JournalRecord, Store } from "../ports.ts";
import { makeBoundedStore } from "./bounded-store.ts";
import { makeConfirmingJournal } from "./confirming-journal.ts";

const all = { i: 0, n: 1 };
const low = { i: 0, n: 2 };
const high = { i: 1, n: 2 };

/** A topic in a slot; several share it. */
function topicIn(slot: number, number = 1): bigint {
  return (BigInt(number) * 65_536n + BigInt(slot)) << 22n;
}

function recordOf(topic: bigint, seq: bigint, epoch = 1, more: Partial<JournalRecord> = {}): JournalRecord {
  const bytes = Buffer.alloc(0);
  const base = { topic, epoch, seq, ts: 1_000n + seq, lastId: seq, requestId: seq, nonceKey: "" };
  return { ...base, result: bytes, rows: [], event: bytes, ...more };
}

function epochOf(writer: string, epoch: number, change: Partial<EpochRecord> = {}): EpochRecord {
  return { range: all, split: false, epoch, host: writer, incarnation: writer, moveId: `${writer}${epoch}`, ...change };
}

/** The next produces end so, the others are written. */
function plan(log: ManualLog, ...fates: Fate[]): void {
  log.fate = () => fates.shift() ?? "written";
}

async function append(journal: Journal, ...records: JournalRecord[]) {
  const { answers } = await journal.append({ records });
  return answers.map(({ of }) => of?.$case);
}

async function seqsOf(journal: Journal, topic: bigint): Promise<bigint[]> {
  const { records } = await journal.readTopic(topic, 1n, 1_000);
  return records.map(({ record }) => (record as JournalRecord).seq);
}

/** A log of `partitions`, and writer "a" that owns all of it at epoch 1. */
async function start(partitions = 1) {
  const log = new ManualLog(partitions);
  const a = makeConfirmingJournal(log, { writer: "a" });
  const first = epochOf("a", 1);
  expect(await a.takeEpoch(first, undefined)).toMatchObject({ taken: true });
  return { log, a, first, b: makeConfirmingJournal(log, { writer: "b" }) };
}

describe("a record", () => {
  const topic = topicIn(1);

  test("is stored when nothing came before it unread, without a read", async () => {
    const { log, a } = await start();
    log.failsRead = () => true;
    expect(await append(a, recordOf(topic, 1n), recordOf(topic, 2n))).toEqual(["stored", "stored"]);
  });

  test("is fenced when a higher EPOCH lies in the gap before it, which names the owner", async () => {
    const { a, b, first } = await start();
    await append(a, recordOf(topic, 1n));
    await b.takeEpoch(epochOf("b", 2), first);
    const { answers } = await a.append({ records: [recordOf(topic, 2n)] });
    expect(answers[0]?.of).toMatchObject({ $case: "fenced", value: { owner: { incarnation: "b", epoch: 2 } } });
    expect(await seqsOf(b, topic)).toEqual([1n]);
  });

  test("counts when it came before the EPOCH of the next owner, who sees it", async () => {
    const { a, b, first } = await start();
    const [stored, taken] = await Promise.all([append(a, recordOf(topic, 1n)), b.takeEpoch(epochOf("b", 2), first)]);
    expect(stored).toEqual(["stored"]);
    expect(taken.taken).toBe(true);
    expect(await b.readHeads([topic])).toMatchObject([{ seq: 1n, epoch: 1 }]);
    expect(await append(b, recordOf(topic, 2n, 2))).toEqual(["stored"]);
    expect(await append(a, recordOf(topic, 1n))).toEqual(["stored"]);
    expect(await append(a, recordOf(topic, 2n))).toEqual(["fenced"]);
  });

  test.each<[string, Fate]>([
    ["its answer was lost", "unanswered"],
    ["it was lost on its way", "lost"],
    ["it lands later", "late"],
  ])("is answered unknown when %s, and stored once when it is sent again", async (_, fate) => {
    const { log, a, b } = await start();
    plan(log, fate);
    await expect(append(a, recordOf(topic, 1n))).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await append(a, recordOf(topic, 1n))).toEqual(["stored"]);
    for (const step of log.steps) step();
    expect(await append(a, recordOf(topic, 2n))).toEqual(["stored"]);
    for (const reader of [a, b]) expect(await seqsOf(reader, topic)).toEqual([1n, 2n]);
  });

  test("that landed unanswered is not written a second time", async () => {
    const { log, a } = await start();
    plan(log, "unanswered");
    await expect(append(a, recordOf(topic, 1n))).rejects.toThrow();
    const before = log.entriesOf(0).length;
    expect(await append(a, recordOf(topic, 1n))).toEqual(["stored"]);
    expect(log.entriesOf(0)).toHaveLength(before);
  });

  test("that lands after a later one of its writer is none, whatever was told of it", async () => {
    const { log, a, b } = await start();
    const other = topicIn(2);
    plan(log, "late");
    await expect(append(a, recordOf(topic, 1n))).rejects.toThrow();
    expect(await append(a, recordOf(other, 1n))).toEqual(["stored"]);
    for (const step of log.steps) step();
    for (const reader of [a, b]) expect(await seqsOf(reader, topic)).toEqual([]);
  });

  test("that was refused is certainly not there", async () => {
    const { log, a } = await start();
    plan(log, "refused");
    await expect(append(a, recordOf(topic, 1n))).rejects.toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
    expect(await append(a, recordOf(topic, 1n, 1, { lastId: 77n }))).toEqual(["stored"]);
  });

  test("is a gap when its seq is not the next one, or another record's", async () => {
    const { a } = await start();
    expect(await append(a, recordOf(topic, 2n))).toEqual(["gap"]);
    expect(await append(a, recordOf(topic, 1n))).toEqual(["stored"]);
    expect(await append(a, recordOf(topic, 1n, 1, { lastId: 77n }))).toEqual(["gap"]);
  });

  test("written right after what may have landed is answered once that is read", async () => {
    const { log, a } = await start();
    plan(log, "unanswered");
    const [first, second] = await Promise.allSettled([append(a, recordOf(topic, 1n)), append(a, recordOf(topic, 2n))]);
    expect(first.status).toBe("rejected");
    expect(second).toMatchObject({ status: "fulfilled", value: ["stored"] });
    expect(await append(a, recordOf(topic, 1n), recordOf(topic, 2n))).toEqual(["stored", "stored"]);
  });

  test("is not taken while the log after a doubt cannot be read", async () => {
    const { log, a } = await start();
    plan(log, "unanswered");
    await expect(append(a, recordOf(topic, 1n))).rejects.toThrow();
    log.failsRead = () => true;
    await expect(append(a, recordOf(topic, 2n))).rejects.toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
    log.failsRead = () => false;
    expect(await append(a, recordOf(topic, 1n), recordOf(topic, 2n))).toEqual(["stored", "stored"]);
  });

  test("of one partition is answered beside one of another that fails", async () => {
    const { log, a } = await start(2);
    plan(log, "refused");
    expect(await append(a, recordOf(topicIn(0), 1n), recordOf(topicIn(1), 1n))).toEqual([undefined, "stored"]);
  });

  test("acked at once, without a look at what came before it, may be lost", async () => {
    const { log, first, b } = await start();
    const rash = makeConfirmingJournal(log, { writer: "a" }, { confirm: false });
    await rash.readHeads([topic]);
    await b.takeEpoch(epochOf("b", 2), first);
    expect(await append(rash, recordOf(topic, 1n))).toEqual(["stored"]);
    expect(await seqsOf(b, topic)).toEqual([]);
  });
});

describe("an EPOCH", () => {
  test("is taken by the first that names the last one, and names it to the second", async () => {
    const { log, a, b, first } = await start(4);
    log.isPrompt = false;
    const takings = [b.takeEpoch(epochOf("b", 2), first), a.takeEpoch(epochOf("a", 2), first)];
    const outcomes = await untilSettled(log, Promise.all(takings));
    const winner = outcomes.findIndex(({ taken }) => taken);
    expect(outcomes[1 - winner]).toMatchObject({ taken: false, winner: { epoch: 2, host: winner === 0 ? "b" : "a" } });
  });

  test("whose answer was lost is taken when it is asked for again", async () => {
    const { log, b, first } = await start();
    plan(log, "unanswered");
    await expect(b.takeEpoch(epochOf("b", 2), first)).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(await b.takeEpoch(epochOf("b", 2), first)).toEqual({ taken: true, winner: undefined });
  });

  test("is in force in every partition once it is taken, and fences what is in none of them yet", async () => {
    const { log, a, b, first } = await start(4);
    const topics = [0, 1, 2, 3].map((slot) => topicIn(slot));
    for (const topic of topics) await append(a, recordOf(topic, 1n));
    expect((await b.takeEpoch(epochOf("b", 2), first)).taken).toBe(true);
    for (const partition of [0, 1, 2, 3]) {
      expect(log.entriesOf(partition).filter(({ is }) => is !== "record")).toHaveLength(2);
    }
    const answers = await append(a, ...topics.map((topic) => recordOf(topic, 2n)));
    expect(answers).toEqual(Array(4).fill("fenced"));
  });

  test("half copied by one that died lets the old owner write where the copy is not, and is completed by the next", async () => {
    const { log, a, b, first } = await start(2);
    const [even, odd] = [topicIn(0), topicIn(1)];
    plan(log, "written", "refused");
    const dead = makeConfirmingJournal(log, { writer: "c" });
    const half = epochOf("c", 2);
    await expect(dead.takeEpoch(half, first)).rejects.toThrow();
    expect(await append(a, recordOf(even, 1n), recordOf(odd, 1n))).toEqual(["fenced", "stored"]);
    expect(await b.readEpochs(all)).toMatchObject([{ incarnation: "c", epoch: 2 }]);
    expect((await b.takeEpoch(epochOf("b", 3), half)).taken).toBe(true);
    expect(log.entriesOf(1).flatMap((entry) => (entry.is === "copy" ? entry.row.incarnation : []))).toEqual([
      "a",
      "c",
      "b",
    ]);
    expect(await seqsOf(b, odd)).toEqual([1n]);
    expect(await append(a, recordOf(odd, 2n))).toEqual(["fenced"]);
    expect(await append(b, recordOf(even, 1n, 3), recordOf(odd, 2n, 3))).toEqual(["stored", "stored"]);
  });

  test("that does not follow the last one is refused without being written", async () => {
    const { log, b, first } = await start();
    const before = log.entriesOf(0).length;
    expect(await b.takeEpoch(epochOf("b", 3), first)).toMatchObject({ taken: false, winner: { epoch: 1 } });
    expect(await b.takeEpoch(epochOf("b", 1), undefined)).toMatchObject({ taken: false });
    expect(log.entriesOf(0)).toHaveLength(before);
  });

  test("splits a range in place; then a half goes by itself, decided in its own partition", async () => {
    const { log, a, b, first } = await start(2);
    const split = epochOf("a", 2, { split: true });
    expect((await a.takeEpoch(split, first)).taken).toBe(true);
    const [even, odd] = [topicIn(0), topicIn(1)];
    expect(await append(a, recordOf(even, 1n, 2), recordOf(odd, 1n, 2))).toEqual(["stored", "stored"]);
    expect((await b.takeEpoch(epochOf("b", 3, { range: high }), split)).taken).toBe(true);
    expect(log.entriesOf(1).at(-1)).toMatchObject({ is: "epoch", row: { range: high } });
    expect(await append(a, recordOf(even, 2n, 2), recordOf(odd, 2n, 2))).toEqual(["stored", "fenced"]);
    expect(await append(b, recordOf(odd, 2n, 3))).toEqual(["stored"]);
    expect(await b.readEpochs(low)).toMatchObject([{ range: all, epoch: 2 }]);
    expect(await b.readEpochs(high)).toMatchObject([
      { range: all, epoch: 2 },
      { range: high, epoch: 3 },
    ]);
  });

  test("of a half is not taken before the split is in its partition, to which whoever finds it brings it", async () => {
    const { log, a, b, first } = await start(2);
    const split = epochOf("a", 2, { split: true });
    plan(log, "written", "refused");
    await expect(a.takeEpoch(split, first)).rejects.toThrow();
    expect(await b.takeEpoch(epochOf("b", 3, { range: high }), split)).toMatchObject({ taken: false });
    expect((await b.takeEpoch(epochOf("b", 3, { range: low }), split)).taken).toBe(true);
    expect((await b.takeEpoch(epochOf("b", 3, { range: high }), split)).taken).toBe(true);
  });

  test("of narrow ranges is decided where several shards share a partition, each with its own stamps", async () => {
    const { log, a, b, first } = await start(1);
    const split = epochOf("a", 2, { split: true });
    await a.takeEpoch(split, first);
    expect(await append(a, recordOf(topicIn(0), 1n, 2), recordOf(topicIn(1), 1n, 2))).toEqual(["stored", "stored"]);
    expect((await b.takeEpoch(epochOf("b", 3, { range: high }), split)).taken).toBe(true);
    expect(await append(b, recordOf(topicIn(1), 2n, 3))).toEqual(["stored"]);
    expect(await append(a, recordOf(topicIn(0), 2n, 2))).toEqual(["stored"]);
    expect(log.entriesOf(0)).toHaveLength(7);
  });
});

describe("positions", () => {
  test("rise over all partitions of a range, also when its owner changes", async () => {
    const { a, b, first } = await start(4);
    const topics = [3, 1, 2, 0].map((slot) => topicIn(slot));
    for (const topic of topics) await append(a, recordOf(topic, 1n));
    await b.takeEpoch(epochOf("b", 2), first);
    for (const topic of topics) await append(b, recordOf(topic, 2n, 2));
    const { records, end, readTo } = await b.readTail(all, 0n, 100);
    expect(end).toBe(true);
    expect(records.map(({ record }) => record)).toMatchObject([
      ...topics.map((topic) => ({ topic, seq: 1n })),
      ...topics.map((topic) => ({ topic, seq: 2n })),
    ]);
    const positions = records.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].sort((x, y) => (x < y ? -1 : 1)));
    expect(readTo).toBeGreaterThanOrEqual(positions.at(-1) as bigint);
  });

  test("are read in pages, and those of other ranges are passed over", async () => {
    const { a } = await start(2);
    for (const seq of [1n, 2n, 3n]) await append(a, recordOf(topicIn(0), seq), recordOf(topicIn(1), seq));
    const first = await a.readTail(low, 0n, 2);
    expect(first).toMatchObject({ end: false, records: [{ record: { seq: 1n } }, { record: { seq: 2n } }] });
    const second = await a.readTail(low, first.readTo, 2);
    expect(second).toMatchObject({ end: true, records: [{ record: { seq: 3n } }] });
    expect((await a.readTail(low, second.readTo, 2)).records).toEqual([]);
  });

  test("of a new owner lie above every watermark that the old one may name, however far ahead that one was", async () => {
    const { a, b, first } = await start(2);
    const split = epochOf("a", 2, { split: true });
    await a.takeEpoch(split, first);
    for (let seq = 1n; seq <= 20n; seq++) await append(a, recordOf(topicIn(0), seq, 2));
    const most = a.mostWatermark(high) as bigint;
    expect(most).toBeLessThan(a.mostWatermark(low) as bigint);
    await b.takeEpoch(epochOf("b", 3, { range: high }), split);
    await append(b, recordOf(topicIn(1), 1n, 3));
    const [found] = (await b.readTail(high, 0n, 10)).records;
    expect(found?.position).toBeGreaterThan(most);
    await a.readEpochs(high);
    expect(a.mostWatermark(high)).toBeUndefined();
  });

  test("bound what a host says of a shard by its other shards, and rows are applied all the same", async () => {
    const { a, first, b } = await start(2);
    const applied: bigint[] = [];
    const store = makeBoundedStore(
      { apply: async ({ watermark }: Apply) => void applied.push(watermark) } as unknown as Store,
      a,
    );
    const apply: Apply = { range: all, epoch: 1, rows: [], watermark: 1_000n, applied: [] };
    await store.apply(apply);
    await b.takeEpoch(epochOf("b", 2), first);
    await a.readEpochs(all);
    await store.apply(apply);
    expect(applied).toEqual([2n, 0n]);
  });

  test("are not called read up to where a record of unknown outcome may yet land", async () => {
    const { log, a } = await start(2);
    plan(log, "late");
    await expect(append(a, recordOf(topicIn(0), 1n))).rejects.toThrow();
    await append(a, recordOf(topicIn(1), 1n));
    const before = await a.readTail(all, 0n, 10);
    expect(before.records).toEqual([]);
    for (const step of log.steps) step();
    expect((await a.readTail(all, before.readTo, 10)).records).toMatchObject([
      { record: { topic: topicIn(0) } },
      { record: { topic: topicIn(1) } },
    ]);
  });

  test("below what was written in the meantime hold nothing up that brings no record", async () => {
    const { log, a, b, first } = await start(2);
    plan(log, "written", "lost");
    await expect(b.takeEpoch(epochOf("b", 2), first)).rejects.toThrow();
    for (let seq = 1n; seq <= 9n; seq++) await append(a, recordOf(topicIn(1), seq));
    // Another host finds the EPOCH half copied.
    await makeConfirmingJournal(log, { writer: "c" }).takeEpoch(epochOf("c", 2), first);
    expect((await b.takeEpoch(epochOf("b", 2), first)).taken).toBe(true);
    const { records, end } = await b.readTail(all, 0n, 100);
    expect([records.length, end]).toEqual([9, true]);
  });

  test("that were lost under an earlier EPOCH hold nothing up under a later one", async () => {
    const { log, a, b, first } = await start(2);
    plan(log, "lost");
    await expect(append(a, recordOf(topicIn(1), 1n))).rejects.toThrow();
    const second = epochOf("b", 2);
    await b.takeEpoch(second, first);
    for (let seq = 1n; seq <= 9n; seq++) await append(b, recordOf(topicIn(0), seq, 2));
    plan(log, "written", "refused");
    await expect(a.takeEpoch(epochOf("a", 3), second)).rejects.toThrow();
    await b.takeEpoch(epochOf("b", 3), second);
    expect((await a.takeEpoch(epochOf("a", 3), second)).taken).toBe(true);
    const { records, end } = await a.readTail(all, 0n, 100);
    expect([records.length, end]).toEqual([9, true]);
  });

  test("are not called read to the end while what an earlier owner wrote lies above them", async () => {
    const { log, a, b, first } = await start(2);
    await append(a, recordOf(topicIn(1), 1n));
    await append(a, recordOf(topicIn(0), 1n));
    plan(log, "written", "refused");
    await expect(b.takeEpoch(epochOf("b", 2), first)).rejects.toThrow();
    await expect(b.readTail(all, 0n, 10)).rejects.toMatchObject({ code: "JOURNAL_UNAVAILABLE" });
    expect((await b.takeEpoch(epochOf("b", 2), first)).taken).toBe(true);
    expect(await b.readTail(all, 0n, 10)).toMatchObject({ end: true, records: [{}, {}] });
  });
});

test("gives request ids since a time, and five minutes back from the last record of the range", async () => {
  const { a } = await start(2);
  const at = (seq: bigint, minute: bigint, more: Partial<JournalRecord> = {}) =>
    recordOf(topicIn(0), seq, 1, { ts: minute * 60_000_000n, requestId: 10n + seq, ...more });
  await append(a, at(1n, 100n), at(2n, 106n), at(3n, 107n, { requestId: 0n, nonceKey: "n" }), at(4n, 108n));
  await append(a, at(5n, 110n, { requestId: 0n }), recordOf(topicIn(1), 1n, 1, { ts: 1n << 50n }));
  const seen = async (sinceMinute: bigint) => {
    const pages = await Array.fromAsync(a.readRetries(low, sinceMinute * 60_000_000n));
    return pages.flat().map(({ requestId, nonceKey }) => `${requestId}${nonceKey}`);
  };
  expect(await seen(109n)).toEqual(["12", "0n", "14"]);
  expect(await seen(99n)).toEqual(["11", "12", "0n", "14"]);
});

/** Lets every waiting step happen, in the order they came, until the promise has settled. */
async function untilSettled<T>(log: ManualLog, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) {
    log.steps.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled;
}
