import { encodeMessage, Record as JournalEntry } from "@guildhall/proto";
import type { EpochAsk, EpochRow, ShardRange } from "@guildhall/slots";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Journal, JournalRecord } from "./journal.ts";

/** A journal to test, and the same one closed and opened again. */
export interface JournalFixture extends AsyncDisposable {
  readonly journal: Journal;
  reopen(): Promise<Journal>;
}

const all = { i: 0, n: 1 };
const minuteUs = 60_000_000n;

/** A topic in a slot; several topics share it. */
export function topicIn(slot: number, number = 1): bigint {
  return (BigInt(number) * 65_536n + BigInt(slot)) << 22n;
}

/** A record; its event tells topic, seq and `text`. */
export function makeRecord(
  topic: bigint,
  seq: bigint,
  { text = "", event = Buffer.from(`${topic} ${seq} ${text}`), ...rest }: RecordChange = {},
): JournalRecord {
  const columns = { topic, epoch: 1, seq, ts: 1_000n + seq, lastId: seq, requestId: 0n, nonceKey: "", ...rest };
  return { ...columns, bytes: encodeMessage(JournalEntry, { ...columns, result: Buffer.alloc(0), rows: [], event }) };
}

type RecordChange = Partial<Omit<JournalRecord, "bytes">> & { readonly text?: string; readonly event?: Buffer };

/** The event of an encoded record, as text. */
function eventOf({ bytes }: { readonly bytes: Uint8Array }): string {
  return JournalEntry.decode(bytes).event.toString();
}

/** The EPOCH after `last`, or the first one. */
export function nextEpoch(last: EpochRow | undefined, change: Partial<EpochAsk> = {}): EpochAsk {
  const first = { range: all, split: false, epoch: 1, host: "guild-0", incarnation: "a", moveId: "1", prev: undefined };
  return { ...(last === undefined ? first : { ...last, epoch: last.epoch + 1, split: false, prev: last }), ...change };
}

/** What every journal promises. */
export function journalContract(create: () => Promise<JournalFixture>): void {
  let fixture: JournalFixture;
  let journal: Journal;
  beforeEach(async () => {
    fixture = await create();
    journal = fixture.journal;
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  describe("appending", () => appending(() => journal));
  describe("ownership", () => ownership(() => journal));
  describe("splitting", () => splitting(() => journal));
  describe("reading", () => reading(() => journal));
  describe("trimming", () => trimming(() => journal));

  test("keeps what splits and moves have made of the EPOCHs when it is opened again", async () => {
    const first = nextEpoch(undefined);
    const split = nextEpoch(first, { split: true });
    const odd = nextEpoch(split, { range: { i: 1, n: 2 }, host: "guild-1" });
    for (const ask of [first, split, odd]) await journal.takeEpoch(ask);
    const again = await fixture.reopen();
    const rows = (await again.readEpochs(all)).map(({ range, epoch, split: halves }) => ({ ...range, epoch, halves }));
    expect(rows).toEqual([
      { i: 0, n: 1, epoch: 2, halves: true },
      { i: 1, n: 2, epoch: 3, halves: false },
    ]);
    const answers = await again.append([2, 3].map((epoch) => makeRecord(topicIn(3), 1n, { epoch })));
    expect(answers.map(({ kind }) => kind)).toEqual(["fenced", "stored"]);
  });

  test("keeps records, heads and epochs when it is opened again", async () => {
    await journal.takeEpoch(nextEpoch(undefined));
    const topic = topicIn(7);
    await journal.append([makeRecord(topic, 1n), makeRecord(topic, 2n)]);
    const again = await fixture.reopen();
    expect((await again.readTopic(topic, 1n, 10)).records).toHaveLength(2);
    expect(await again.readHeads([topic])).toEqual([{ topic, epoch: 1, seq: 2n, lastId: 2n, lastTs: 1_002n }]);
    expect(await again.append([makeRecord(topic, 3n)])).toEqual([{ kind: "stored", position: 3n }]);
    expect(again.newestTs({ i: 7, n: 8 })).toBe(1_003n);
    expect(await again.countTopics(8)).toEqual([0n, 0n, 0n, 0n, 0n, 0n, 0n, 1n]);
  });
}

function appending(journal: () => Journal): void {
  const a = topicIn(1);
  const b = topicIn(2);
  beforeEach(async () => {
    await journal().takeEpoch(nextEpoch(undefined));
  });

  test("answers each record by itself: one topic's refusal touches no other", async () => {
    const answers = await journal().append([
      makeRecord(a, 1n),
      makeRecord(b, 5n),
      makeRecord(a, 2n, { epoch: 9 }),
      makeRecord(b, 1n),
      makeRecord(a, 2n),
    ]);
    expect(answers.map(({ kind }) => kind)).toEqual(["stored", "gap", "fenced", "stored", "stored"]);
    expect(answers[1]).toEqual({ kind: "gap", last: 0n });
    expect(answers[2]).toMatchObject({ owner: { epoch: 1, host: "guild-0" } });
    expect((await journal().readTopic(a, 1n, 10)).records.map(eventOf)).toEqual([`${a} 1 `, `${a} 2 `]);
  });

  test("answers a resend of the same record as stored, at the same position", async () => {
    const [first] = await journal().append([makeRecord(a, 1n)]);
    await journal().append([makeRecord(a, 2n)]);
    expect(await journal().append([makeRecord(a, 1n)])).toEqual([first]);
    expect(await journal().append([makeRecord(a, 1n), makeRecord(a, 2n)])).toHaveLength(2);
    expect((await journal().readTopic(a, 1n, 10)).records).toHaveLength(2);
  });

  test("refuses another record at a seq that is taken", async () => {
    await journal().append([makeRecord(a, 1n)]);
    expect(await journal().append([makeRecord(a, 1n, { text: "other" })])).toEqual([{ kind: "gap", last: 1n }]);
  });

  test("keeps the order of calls that are made without waiting", async () => {
    const calls = Array.from({ length: 200 }, (_, index) => journal().append([makeRecord(a, BigInt(index + 1))]));
    const answers = (await Promise.all(calls)).flat();
    const positions = answers.map((answer) => (answer.kind === "stored" ? answer.position : -1n));
    expect(positions).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index + 1)));
  });
}

function ownership(journal: () => Journal): void {
  test("refuses records of a slot that nobody took", async () => {
    expect(await journal().append([makeRecord(topicIn(3), 1n)])).toEqual([{ kind: "fenced", owner: undefined }]);
  });

  test("takes the first EPOCH that names the last one, and names it to the second", async () => {
    const first = nextEpoch(undefined);
    expect(await journal().takeEpoch(first)).toEqual({ kind: "take", taken: true });
    const winner = nextEpoch(first, { host: "guild-1", incarnation: "b", moveId: "2" });
    const loser = nextEpoch(first, { host: "guild-0", incarnation: "c", moveId: "3" });
    const [won, lost] = await Promise.all([journal().takeEpoch(winner), journal().takeEpoch(loser)]);
    expect(won.taken).toBe(true);
    expect(lost).toMatchObject({ taken: false, winner: { epoch: 2, host: "guild-1", moveId: "2" } });
  });

  test("puts an EPOCH in force for the appends after it, of all its slots", async () => {
    const first = nextEpoch(undefined);
    await journal().takeEpoch(first);
    const topics = [topicIn(0), topicIn(40_000), topicIn(65_535)];
    const before = journal().append(topics.map((topic) => makeRecord(topic, 1n)));
    const taken = journal().takeEpoch(nextEpoch(first, { host: "guild-1" }));
    const after = journal().append(topics.map((topic) => makeRecord(topic, 2n)));
    expect((await before).map(({ kind }) => kind)).toEqual(["stored", "stored", "stored"]);
    expect((await taken).taken).toBe(true);
    expect(await after).toEqual(topics.map(() => expect.objectContaining({ kind: "fenced" })));
    const [resend] = await journal().append([makeRecord(topics[0] as bigint, 1n)]);
    expect(resend).toMatchObject({ kind: "stored" });
  });

  test("splits a range in one step, and decides its halves apart from then on", async () => {
    const first = nextEpoch(undefined);
    await journal().takeEpoch(first);
    const split = nextEpoch(first, { split: true });
    expect((await journal().takeEpoch(split)).taken).toBe(true);
    const odd = nextEpoch(split, { range: { i: 1, n: 2 }, host: "guild-1" });
    expect((await journal().takeEpoch(odd)).taken).toBe(true);
    const answers = await journal().append([
      makeRecord(topicIn(2), 1n, { epoch: 2 }),
      makeRecord(topicIn(3), 1n, { epoch: 2 }),
      makeRecord(topicIn(3), 1n, { epoch: 3 }),
    ]);
    expect(answers.map(({ kind }) => kind)).toEqual(["stored", "fenced", "stored"]);
    expect((await journal().takeEpoch(nextEpoch(odd, { range: all }))).taken).toBe(false);
    const hosts = (rows: readonly EpochRow[]) => rows.map(({ host, epoch }) => `${host} ${epoch}`);
    expect(hosts(await journal().readEpochs(all))).toEqual(["guild-0 2", "guild-1 3"]);
    expect(hosts(await journal().readEpochs({ i: 0, n: 4 }))).toEqual(["guild-0 2"]);
  });
}

function splitting(journal: () => Journal): void {
  /** (0, 1)@1, split @2; 1/2 to another host @3 and split there @4; 3/4 of that to a third @5. */
  const takeChain = async (): Promise<readonly EpochAsk[]> => {
    const first = nextEpoch(undefined);
    const split = nextEpoch(first, { split: true, moveId: "2" });
    const moved = nextEpoch(split, { range: { i: 1, n: 2 }, host: "guild-1", incarnation: "b", moveId: "3" });
    const again = nextEpoch(moved, { split: true, moveId: "4" });
    const quarter = nextEpoch(again, { range: { i: 3, n: 4 }, host: "guild-2", incarnation: "c", moveId: "5" });
    const chain = [first, split, moved, again, quarter];
    for (const ask of chain) expect(await journal().takeEpoch(ask)).toEqual({ kind: "take", taken: true });
    return chain;
  };

  test("fences every slot by the highest of the rows that hold it, over several splits", async () => {
    await takeChain();
    const kinds = async (slot: number) => {
      const epochs = [1, 2, 3, 4, 5];
      const answers = await journal().append(epochs.map((epoch) => makeRecord(topicIn(slot), 1n, { epoch })));
      return epochs.filter((_, index) => answers[index]?.kind === "stored");
    };
    expect(await Promise.all([0, 2, 65_534, 1, 5, 3, 7, 65_535].map(kinds))).toEqual([
      [2],
      [2],
      [2],
      [4],
      [4],
      [5],
      [5],
      [5],
    ]);
  });

  test("names to whoever takes a range its owner's row, also where that is a split of a wider range", async () => {
    const [, split, , again, quarter] = await takeChain();
    const lastOf = async (range: ShardRange) => {
      const { prev, ...row } = (await journal().readEpochs(range)).at(-1) as EpochAsk;
      return row;
    };
    const rowOf = ({ prev, ...row }: EpochAsk) => row;
    expect(await lastOf({ i: 0, n: 2 })).toEqual(rowOf(split as EpochAsk));
    expect(await lastOf({ i: 6, n: 8 })).toEqual(rowOf(split as EpochAsk));
    expect(await lastOf({ i: 1, n: 4 })).toEqual(rowOf(again as EpochAsk));
    expect(await lastOf({ i: 5, n: 8 })).toEqual(rowOf(again as EpochAsk));
    expect(await lastOf({ i: 3, n: 4 })).toEqual(rowOf(quarter as EpochAsk));
    expect(await lastOf({ i: 7, n: 8 })).toEqual(rowOf(quarter as EpochAsk));
  });

  test("decides each part by what was last taken for it, and refuses what names another", async () => {
    const [, split, moved, again, quarter] = (await takeChain()) as EpochAsk[] as [
      EpochAsk,
      EpochAsk,
      EpochAsk,
      EpochAsk,
      EpochAsk,
    ];
    const refused = async (ask: EpochAsk) => (await journal().takeEpoch(ask)).taken === false;
    expect(await refused(nextEpoch(split, { range: { i: 1, n: 2 } }))).toBe(true);
    expect(await refused(nextEpoch(moved, { range: { i: 1, n: 2 } }))).toBe(true);
    expect(await refused(nextEpoch(again, { range: { i: 3, n: 4 } }))).toBe(true);
    expect(await refused(nextEpoch(again, { range: { i: 1, n: 2 } }))).toBe(true);
    expect(await refused(nextEpoch(split, { range: all }))).toBe(true);
    expect((await journal().takeEpoch(nextEpoch(again, { range: { i: 1, n: 4 } }))).taken).toBe(true);
    expect((await journal().takeEpoch(nextEpoch(split, { range: { i: 0, n: 2 }, split: true }))).taken).toBe(true);
    expect((await journal().takeEpoch(nextEpoch(quarter))).taken).toBe(true);
  });

  test("a split that is asked for again is taken again, also after a half of the other kind was", async () => {
    const first = nextEpoch(undefined);
    const split = nextEpoch(first, { split: true, moveId: "2" });
    await journal().takeEpoch(first);
    for (const ask of [split, split]) expect((await journal().takeEpoch(ask)).taken).toBe(true);
    const odd = nextEpoch(split, { range: { i: 1, n: 2 }, host: "guild-1", moveId: "3" });
    await journal().takeEpoch(odd);
    expect((await journal().takeEpoch(split)).taken).toBe(true);
    expect(await journal().append([makeRecord(topicIn(1), 1n, { epoch: 2 })])).toMatchObject([
      { kind: "fenced", owner: { epoch: 3, host: "guild-1" } },
    ]);
  });

  test("reads tail and retries of a part that was split off, from before the split on", async () => {
    const first = nextEpoch(undefined);
    await journal().takeEpoch(first);
    const topics = [0, 1, 2, 3].map((slot) => topicIn(slot));
    const put = (seq: bigint, epoch: number) =>
      journal().append(topics.map((topic) => makeRecord(topic, seq, { epoch, requestId: topic + seq })));
    await put(1n, 1);
    await journal().takeEpoch(nextEpoch(first, { split: true }));
    await put(2n, 2);
    const part = { i: 3, n: 4 };
    const tail = await journal().readTail(part, 0n, 10);
    expect([tail.records.map(({ position }) => position), tail.end]).toEqual([[4n, 8n], true]);
    const { retries } = await journal().readRetries(part, 0n, "");
    expect(retries.map(({ requestId }) => requestId)).toEqual([topicIn(3) + 1n, topicIn(3) + 2n]);
  });

  test("counts topics by shard, whatever their number, each once", async () => {
    await journal().takeEpoch(nextEpoch(undefined));
    const slots = [0, 1, 2, 3, 5, 8, 9];
    await journal().append(slots.flatMap((slot) => [makeRecord(topicIn(slot), 1n), makeRecord(topicIn(slot), 2n)]));
    await journal().append([makeRecord(topicIn(9), 2n), makeRecord(topicIn(9, 2), 1n), makeRecord(topicIn(4), 5n)]);
    expect(await journal().countTopics(1)).toEqual([8n]);
    expect(await journal().countTopics(2)).toEqual([3n, 5n]);
    expect(await journal().countTopics(4)).toEqual([2n, 4n, 1n, 1n]);
  });
}

function reading(journal: () => Journal): void {
  beforeEach(async () => {
    await journal().takeEpoch(nextEpoch(undefined));
  });

  test("reads the tail of a range in pages, and moves on where nothing is its own", async () => {
    const even = topicIn(2);
    const odd = topicIn(3);
    await journal().append([1n, 2n, 3n].map((seq) => makeRecord(even, seq)));
    await journal().append([1n, 2n].map((seq) => makeRecord(odd, seq)));
    const first = await journal().readTail({ i: 0, n: 2 }, 0n, 2);
    expect(first).toMatchObject({ readTo: 2n, end: false });
    const second = await journal().readTail({ i: 0, n: 2 }, first.readTo, 2);
    expect(second.records.map(({ position }) => position)).toEqual([3n]);
    expect(second).toMatchObject({ readTo: 5n, end: true });
    expect(await journal().readTail({ i: 5, n: 8 }, 0n, 10)).toEqual({ records: [], readTo: 5n, end: true });
    expect(await journal().readTail({ i: 1, n: 2 }, 5n, 10)).toEqual({ records: [], readTo: 5n, end: true });
  });

  test("reads request ids and nonces since a time, and 5 minutes back from the range's last record", async () => {
    const topic = topicIn(4);
    const start = 100n * minuteUs;
    const at = (seq: bigint, minute: bigint, rest: Partial<JournalRecord>) =>
      makeRecord(topic, seq, { ts: start + minute * minuteUs, ...rest });
    await journal().append([
      at(1n, 0n, { requestId: 11n }),
      at(2n, 6n, { requestId: 12n }),
      at(3n, 7n, { nonceKey: "1:2:x" }),
      at(4n, 8n, {}),
      at(5n, 10n, { requestId: 15n }),
    ]);
    await journal().append([makeRecord(topicIn(5), 1n, { ts: start + 30n * minuteUs, requestId: 99n })]);
    const seqs = async (range: { i: number; n: number }, sinceMinute: bigint) => {
      const { retries, next } = await journal().readRetries(range, start + sinceMinute * minuteUs, "");
      expect(next).toBe("");
      return retries.map(({ requestId, nonceKey }) => `${requestId}${nonceKey}`);
    };
    expect(await seqs({ i: 4, n: 8 }, 20n)).toEqual(["12", "01:2:x", "15"]);
    expect(await seqs({ i: 4, n: 8 }, 1n)).toEqual(["12", "01:2:x", "15"]);
    expect(await seqs({ i: 4, n: 8 }, -1n)).toEqual(["11", "12", "01:2:x", "15"]);
    expect(await seqs({ i: 6, n: 8 }, 0n)).toEqual([]);
  });

  test("pages retries without losing or doubling one", async () => {
    const topic = topicIn(6);
    const bytes = Buffer.alloc(300_000, 1);
    const records = Array.from({ length: 9 }, (_, index) =>
      makeRecord(topic, BigInt(index + 1), {
        requestId: BigInt(index + 1),
        ts: 5n,
        event: Buffer.concat([bytes, Buffer.from([index])]),
      }),
    );
    await journal().append(records);
    const found: bigint[] = [];
    let after = "";
    do {
      const page = await journal().readRetries(all, 0n, after);
      found.push(...page.retries.map(({ requestId }) => requestId));
      after = page.next;
    } while (after !== "");
    expect(found).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]);
  });

  test("has no head for a topic without records", async () => {
    expect(await journal().readHeads([topicIn(9)])).toEqual([]);
    expect(await journal().readTopic(topicIn(9), 1n, 10)).toEqual({ records: [], floor: 1n });
  });
}

function trimming(journal: () => Journal): void {
  test("a tail read from before what was trimmed misses nothing that is left", async () => {
    await journal().takeEpoch(nextEpoch(undefined));
    await journal().append([1n, 2n, 3n, 4n, 5n].map((seq) => makeRecord(topicIn(0), seq)));
    await journal().trim([{ range: all, position: 3n, beforeTs: 10_000n }]);
    const found: bigint[] = [];
    for (let page = await journal().readTail(all, 0n, 2); ; page = await journal().readTail(all, page.readTo, 2)) {
      found.push(...page.records.map(({ position }) => position));
      if (page.end) break;
    }
    expect(found).toEqual([4n, 5n]);
  });

  test("deletes what its marks allow and nothing else; heads stay", async () => {
    await journal().takeEpoch(nextEpoch(undefined));
    const even = topicIn(2);
    const odd = topicIn(3);
    for (const seq of [1n, 2n, 3n]) await journal().append([makeRecord(even, seq), makeRecord(odd, seq)]);
    const deleted = await journal().trim([
      { range: { i: 0, n: 2 }, position: 3n, beforeTs: 10_000n },
      { range: { i: 1, n: 2 }, position: 100n, beforeTs: 1_002n },
    ]);
    expect(deleted).toBe(3);
    expect(await journal().readTopic(even, 1n, 10)).toMatchObject({ floor: 3n, records: [{ position: 5n }] });
    expect(await journal().readTopic(odd, 1n, 10)).toMatchObject({ floor: 2n });
    expect(await journal().readHeads([even])).toMatchObject([{ seq: 3n }]);
    expect(await journal().append([makeRecord(even, 3n)])).toEqual([{ kind: "stored", position: 5n }]);
    expect(await journal().append([makeRecord(even, 1n)])).toEqual([{ kind: "gap", last: 3n }]);
    expect(await journal().readTail(all, 0n, 10)).toMatchObject({ readTo: 6n, end: true });
  });

  test("never uses a position again", async () => {
    await journal().takeEpoch(nextEpoch(undefined));
    const topic = topicIn(1);
    await journal().append([makeRecord(topic, 1n), makeRecord(topic, 2n)]);
    expect(await journal().trim([{ range: all, position: 2n, beforeTs: 10_000n }])).toBe(2);
    expect(await journal().append([makeRecord(topic, 3n)])).toEqual([{ kind: "stored", position: 3n }]);
    expect(await journal().readTopic(topic, 1n, 10)).toMatchObject({ floor: 3n });
  });
}
