import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { ApplyBatch, MessageRow, ReactionRow, Store, StoreRow } from "./store.ts";

/** A store to test, and the same one closed and opened again. */
export interface StoreFixture extends AsyncDisposable {
  readonly store: Store;
  reopen(): Promise<Store>;
}

const all = { i: 0, n: 1 };
const topic = 5n << 22n;
const channelId = 77n;

/** A message of a channel; its JSON tells its id and `text`. */
export function makeMessage(messageId: bigint, { text = "", ...rest }: Partial<MessageRow> & { text?: string } = {}) {
  const openJson = Buffer.from(`{"id":"${messageId}","content":${JSON.stringify(text)}`);
  const row: MessageRow = {
    kind: "message",
    ts: messageId,
    deleted: false,
    channelId,
    messageId,
    authorId: 9n,
    mentionIds: [3n, 1n << 62n],
    openJson,
    seq: messageId,
    referenceId: 0n,
    ...rest,
  };
  return row;
}

/** A reaction to a message. */
export function makeReaction(messageId: bigint, userId: bigint, rest: Partial<ReactionRow> = {}): ReactionRow {
  const key = { channelId, messageId, emojiId: 0n, emojiName: "👍", userId };
  return { kind: "reaction", ts: 1_000n + userId, deleted: false, seq: 1_000n + userId, ...key, ...rest };
}

/** A batch of rows. */
export function makeBatch(rows: readonly StoreRow[], rest: Partial<ApplyBatch> = {}): ApplyBatch {
  return { range: all, epoch: 1, rows, watermark: 0n, applied: [], ...rest };
}

/** What every store promises. */
export function storeContract(create: () => Promise<StoreFixture>): void {
  let fixture: StoreFixture;
  beforeEach(async () => {
    fixture = await create();
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });
  const store = () => fixture.store;

  describe("applying", () => applying(store));
  describe("watermarks", () => watermarks(store));
  describe("reading state and members", () => readingState(store));
  describe("reading messages", () => readingMessages(store));
  describe("reading reactions", () => readingReactions(store));

  test("keeps rows and watermarks when it is opened again", async () => {
    await store().apply(makeBatch([makeMessage(1n)], { watermark: 4n, epoch: 3 }));
    const again = await fixture.reopen();
    expect(await again.readMessage(channelId, 1n)).toMatchObject({ messageId: 1n });
    expect(await again.readWatermark(all)).toEqual({ position: 4n, epoch: 3 });
    expect(await again.apply(makeBatch([], { epoch: 2 }))).toEqual({ kind: "fenced", epoch: 3 });
  });
}

function applying(store: () => Store): void {
  const content = async (messageId: bigint) => {
    const row = await store().readMessage(channelId, messageId);
    return row && JSON.parse(`${Buffer.from(row.openJson)}}`).content;
  };

  test("ignores a write that is older than what is there, also than a deletion", async () => {
    await store().apply(makeBatch([makeMessage(1n, { ts: 10n, text: "new" })]));
    await store().apply(makeBatch([makeMessage(1n, { ts: 9n, text: "old" })]));
    expect(await content(1n)).toBe("new");
    await store().apply(makeBatch([makeMessage(1n, { ts: 11n, deleted: true })]));
    await store().apply(makeBatch([makeMessage(1n, { ts: 10n, text: "new" })]));
    expect(await content(1n)).toBeUndefined();
  });

  test("applying a batch twice is applying it once", async () => {
    const batch = makeBatch([
      makeMessage(1n),
      makeReaction(1n, 5n),
      makeReaction(1n, 5n, { ts: 2_000n, deleted: true }),
    ]);
    await store().apply(batch);
    await store().apply(batch);
    expect((await store().loadMessages(channelId, [1n], "")).rows.map(({ kind }) => kind)).toEqual(["message"]);
  });

  test("keeps the order of calls that are made without waiting", async () => {
    const calls = Array.from({ length: 50 }, (_, index) =>
      store().apply(makeBatch([makeMessage(1n, { ts: 5n, text: String(index) })])),
    );
    await Promise.all(calls);
    expect(await content(1n)).toBe("49");
  });

  test("forgets deletions older than a time, and nothing else", async () => {
    await store().apply(
      makeBatch([
        makeMessage(1n, { ts: 10n, deleted: true }),
        makeMessage(2n, { ts: 20n, deleted: true }),
        makeMessage(3n, { ts: 10n }),
        makeReaction(3n, 1n, { ts: 10n, deleted: true }),
      ]),
    );
    expect(await store().forgetDeleted(15n)).toBe(2);
    expect(await store().forgetDeleted(15n)).toBe(0);
    await store().apply(makeBatch([makeMessage(2n, { ts: 19n })]));
    expect(await content(2n)).toBeUndefined();
    expect(await content(3n)).toBe("");
  });
}

function watermarks(store: () => Store): void {
  test("are zero before the first batch, and never fall", async () => {
    expect(await store().readWatermark(all)).toEqual({ position: 0n, epoch: 0 });
    await store().apply(makeBatch([], { watermark: 9n }));
    await store().apply(makeBatch([], { watermark: 7n, epoch: 2 }));
    expect(await store().readWatermark(all)).toEqual({ position: 9n, epoch: 2 });
  });

  test("of a split range begin at the parent's", async () => {
    const parent = { i: 1, n: 2 };
    await store().apply(makeBatch([], { range: parent, watermark: 9n, epoch: 4 }));
    expect(await store().readWatermark({ i: 3, n: 4 })).toEqual({ position: 9n, epoch: 4 });
    expect(await store().readWatermark({ i: 13, n: 16 })).toEqual({ position: 9n, epoch: 4 });
    expect(await store().readWatermark({ i: 2, n: 4 })).toEqual({ position: 0n, epoch: 0 });
    await store().apply(makeBatch([], { range: { i: 3, n: 4 }, watermark: 12n, epoch: 5 }));
    expect(await store().readWatermark({ i: 3, n: 4 })).toEqual({ position: 12n, epoch: 5 });
    expect(await store().readWatermark({ i: 1, n: 4 })).toEqual({ position: 9n, epoch: 4 });
  });

  test("of a part go by the nearest range it was split from, over several splits, and never back to a wider one", async () => {
    const put = (i: number, n: number, watermark: bigint, epoch: number) =>
      store().apply(makeBatch([], { range: { i, n }, watermark, epoch }));
    const read = async (i: number, n: number) => (await store().readWatermark({ i, n })).position;
    await put(0, 1, 10n, 1);
    await put(1, 2, 20n, 3);
    await put(3, 4, 40n, 4);
    expect(await Promise.all([read(0, 2), read(2, 4), read(1, 4), read(5, 8), read(3, 4), read(7, 8)])).toEqual([
      10n,
      10n,
      20n,
      20n,
      40n,
      40n,
    ]);
    // What still says something of all the slots says it of those parts only that say nothing themselves.
    await put(0, 2, 90n, 2);
    expect(await Promise.all([read(0, 4), read(1, 4), read(3, 4), read(1, 2)])).toEqual([90n, 20n, 40n, 20n]);
    expect(await put(0, 1, 99n, 2)).toEqual({ kind: "fenced", epoch: 3 });
    expect(await Promise.all([read(1, 4), read(7, 8)])).toEqual([20n, 40n]);
  });

  test("of a part that says less than the whole did are the whole's: it was true of both halves", async () => {
    await store().apply(makeBatch([], { watermark: 10n }));
    await store().apply(makeBatch([], { range: { i: 1, n: 2 }, watermark: 7n, epoch: 2 }));
    expect(await store().readWatermark({ i: 1, n: 2 })).toEqual({ position: 10n, epoch: 2 });
    expect(await store().readWatermark({ i: 0, n: 2 })).toEqual({ position: 10n, epoch: 1 });
  });

  test("fence: a lower epoch of an overlapping range writes nothing", async () => {
    await store().apply(makeBatch([], { range: { i: 3, n: 4 }, epoch: 5 }));
    const fenced = { kind: "fenced", epoch: 5 };
    expect(await store().apply(makeBatch([makeMessage(1n)], { range: all, epoch: 4 }))).toEqual(fenced);
    expect(await store().apply(makeBatch([makeMessage(1n)], { range: { i: 3, n: 4 }, epoch: 4 }))).toEqual(fenced);
    expect(await store().apply(makeBatch([makeMessage(1n)], { range: { i: 7, n: 8 }, epoch: 4 }))).toEqual(fenced);
    expect(await store().readMessage(channelId, 1n)).toBeUndefined();
    expect(await store().apply(makeBatch([makeMessage(1n)], { range: { i: 1, n: 4 }, epoch: 4 }))).toEqual({
      kind: "done",
    });
    expect(await store().readMessage(channelId, 1n)).toBeDefined();
  });
}

function readingState(store: () => Store): void {
  const state = (stateKind: number, key: string, rest: Partial<StoreRow> = {}): StoreRow =>
    ({ kind: "state", ts: 1n, deleted: false, topic, stateKind, key, value: Buffer.from(key), ...rest }) as StoreRow;

  test("loads a topic's state but one kind, and the seq it is applied to", async () => {
    const rows = [state(1, "5"), state(3, "6"), state(5, "audit"), state(2, "7", { deleted: true })];
    await store().apply(makeBatch(rows, { applied: [{ topic, seq: 8n }] }));
    await store().apply(makeBatch([], { applied: [{ topic, seq: 6n }] }));
    const loaded = await store().loadState(topic, 5, "");
    expect(loaded).toMatchObject({ appliedSeq: 8n, next: "", rows: [{ key: "5" }, { key: "6" }] });
    expect(await store().loadState(topic + 1n, 5, "")).toEqual({ rows: [], next: "", appliedSeq: 0n });
  });

  test("pages a very large state", async () => {
    const rows = Array.from({ length: 6 }, (_, index) =>
      state(2, `key.${index}`, { value: Buffer.alloc(900_000, index) }),
    );
    await store().apply(makeBatch(rows));
    const keys: string[] = [];
    let after = "";
    do {
      const page = await store().loadState(topic, 5, after);
      keys.push(...page.rows.map(({ key }) => key));
      after = page.next;
    } while (after !== "");
    expect(keys).toEqual(rows.map((_, index) => `key.${index}`));
  });

  test("loads members by id and lists them in order", async () => {
    const member = (userId: bigint, deleted = false): StoreRow => {
      return { kind: "member", ts: 1n, deleted, topic, userId, value: Buffer.from(`${userId}`) };
    };
    await store().apply(makeBatch([member(30n), member(10n), member(20n), member(40n, true)]));
    const ids = (rows: readonly { userId: bigint }[]) => rows.map(({ userId }) => userId);
    expect(ids(await store().loadMembers(topic, [20n, 40n, 50n]))).toEqual([20n]);
    expect(ids(await store().listMembers(topic, 0n, 2))).toEqual([10n, 20n]);
    expect(ids(await store().listMembers(topic, 20n, 10))).toEqual([30n]);
  });
}

function readingMessages(store: () => Store): void {
  test("scans both sides of an id, nearest first, with the seq of the channel's last row", async () => {
    await store().apply(makeBatch([1n, 2n, 3n, 4n, 5n].map((id) => makeMessage(id))));
    await store().apply(makeBatch([makeMessage(3n, { ts: 9n, seq: 6n, deleted: true })]));
    const scan = async (side: "older" | "newer", of: bigint, limit: number) => {
      const { messages, seq } = await store().scanMessages({ channelId, side, of, limit });
      return [seq, ...messages.map(({ messageId }) => messageId)];
    };
    expect(await scan("older", 5n, 2)).toEqual([6n, 4n, 2n]);
    expect(await scan("newer", 1n, 2)).toEqual([6n, 2n, 4n]);
    expect(await scan("newer", 5n, 2)).toEqual([6n]);
    expect(await store().scanMessages({ channelId: 1n, side: "older", of: 9n, limit: 9 })).toEqual({
      messages: [],
      seq: 0n,
    });
  });

  test("gives a message back as it was written", async () => {
    const row = makeMessage(1n, { text: "ä" });
    await store().apply(makeBatch([row]));
    const found = await store().readMessage(channelId, 1n);
    expect({ ...found, openJson: Buffer.from(found?.openJson ?? []) }).toEqual(row);
  });
}

function readingReactions(store: () => Store): void {
  test("counts reactions by emoji, and lists who reacted while they are few", async () => {
    const custom = { emojiId: 50n, emojiName: "party" };
    await store().apply(
      makeBatch([
        makeMessage(1n),
        makeReaction(1n, 7n),
        makeReaction(1n, 8n),
        makeReaction(1n, 9n, { deleted: true }),
        makeReaction(1n, 7n, { ...custom, ts: 10n }),
        ...Array.from({ length: 150 }, (_, index) => makeReaction(2n, BigInt(index))),
      ]),
    );
    const groups = await store().reactionGroups(channelId, [1n, 2n]);
    expect(groups.get(1n)).toEqual([
      { emojiId: 0n, emojiName: "👍", count: 2, firstTs: 1_007n, userIds: new Set([7n, 8n]) },
      { ...custom, count: 1, firstTs: 10n, userIds: new Set([7n]) },
    ]);
    expect(groups.get(2n)).toMatchObject([{ count: 150, userIds: undefined }]);
    expect(await store().readReactions([makeReaction(1n, 7n), makeReaction(1n, 9n), makeReaction(1n, 99n)])).toEqual([
      { ts: 1_007n, deleted: false },
      { ts: 1_009n, deleted: true },
      undefined,
    ]);
  });

  test("loads messages with all their reactions, in pages when they are very many", async () => {
    const reactions = Array.from({ length: 12_000 }, (_, index) => makeReaction(2n, BigInt(index)));
    await store().apply(
      makeBatch([makeMessage(1n), makeMessage(2n), makeMessage(3n), makeReaction(3n, 1n), ...reactions]),
    );
    const seen: string[] = [];
    let pages = 0;
    let after = "";
    do {
      const page = await store().loadMessages(channelId, [1n, 2n, 4n, 3n], after);
      seen.push(...page.rows.map((row) => `${row.kind} ${row.messageId} ${row.kind === "reaction" ? row.userId : ""}`));
      after = page.next;
      pages += 1;
    } while (after !== "");
    expect(pages).toBe(2);
    expect(seen.slice(0, 3)).toEqual(["message 1 ", "message 2 ", "reaction 2 0"]);
    expect(seen.slice(-2)).toEqual(["message 3 ", "reaction 3 1"]);
    expect(new Set(seen).size).toBe(12_004);
    expect(seen).toHaveLength(12_004);
  });
}
