import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { PageWindow } from "../domain/page-window.ts";
import { makeBatch, makeMessage, makeReaction } from "../store/store.contract.ts";
import type { StoreRow } from "../store/store.ts";
import { makeSqliteStore, type SqliteStore } from "../store/store-sqlite.ts";
import { makePages, type Pages } from "./pages.ts";

const channelId = 77n;
const counts = { requested: 0, queried: 0, memory: 0, shared: 0 };
let dir: TempDir;
let store: SqliteStore;
let pages: Pages;

beforeEach(async () => {
  Object.assign(counts, { requested: 0, queried: 0, memory: 0, shared: 0 });
  dir = makeTempDir();
  store = makeSqliteStore({
    folder: dir.path,
    onFatal(error) {
      throw error;
    },
  });
  await store.open();
  const events = {
    pageRequested: () => void counts.requested++,
    pageQueried: () => void counts.queried++,
    pageFromMemory: () => void counts.memory++,
    pageShared: () => void counts.shared++,
  };
  pages = makePages({ store, events, cacheBytes: 10_000_000 });
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

async function apply(...rows: StoreRow[]): Promise<void> {
  await store.apply(makeBatch(rows));
  pages.applied(rows);
}

interface Shown {
  readonly id: string;
  readonly content: string;
  readonly reactions?: readonly {
    readonly emoji: { readonly name: string };
    readonly count: number;
    readonly me: boolean;
  }[];
}

async function read(window: PageWindow, { lastSeq = 0n, tail = [] as readonly StoreRow[], viewerId = 0n } = {}) {
  const { json, count } = await pages.read({ channelId, window, lastSeq, tail }, viewerId);
  const shown = JSON.parse(json.toString()) as Shown[];
  expect(shown).toHaveLength(count);
  return shown;
}

const idsOf = async (...args: Parameters<typeof read>) => (await read(...args)).map(({ id }) => Number(id));
const latest = { kind: "latest", limit: 50 } as const;
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => BigInt(from + index));

test("shows every window newest first, from the store and then from memory alike", async () => {
  await apply(...range(1, 9).map((id) => makeMessage(id)));
  const expected: [PageWindow, number[]][] = [
    [{ kind: "latest", limit: 3 }, [9, 8, 7]],
    [{ kind: "before", id: 5n, limit: 2 }, [4, 3]],
    [{ kind: "after", id: 5n, limit: 2 }, [7, 6]],
    [{ kind: "around", id: 5n, limit: 3 }, [6, 5, 4]],
    [{ kind: "around", id: 5n, limit: 4 }, [7, 6, 5, 4]],
    [{ kind: "around", id: 5n, limit: 1 }, [5]],
    [{ kind: "one", id: 4n }, [4]],
    [{ kind: "one", id: 40n }, []],
  ];
  for (const [window, ids] of expected) expect([window, await idsOf(window)]).toEqual([window, ids]);
  await read(latest, { lastSeq: 9n });
  const queried = counts.queried;
  for (const [window, ids] of expected) expect([window, await idsOf(window, { lastSeq: 9n })]).toEqual([window, ids]);
  expect(counts.queried).toBe(queried);
});

test("puts the tail on top: what it adds, changes and deletes, in pages still full", async () => {
  await apply(...range(1, 6).map((id) => makeMessage(id)));
  const tail = [
    makeMessage(5n, { ts: 100n, seq: 7n, text: "edited" }),
    makeMessage(6n, { ts: 101n, seq: 8n, deleted: true }),
    makeMessage(7n, { ts: 102n, seq: 9n, text: "new" }),
    makeMessage(4n, { ts: 1n, seq: 3n, text: "older than stored" }),
  ];
  const shown = await read({ kind: "latest", limit: 4 }, { lastSeq: 9n, tail });
  expect(shown.map(({ id, content }) => `${id} ${content}`)).toEqual(["7 new", "5 edited", "4 ", "3 "]);
  expect(await idsOf({ kind: "before", id: 7n, limit: 2 }, { lastSeq: 9n, tail })).toEqual([5, 4]);
  expect(await idsOf({ kind: "one", id: 6n }, { lastSeq: 9n, tail })).toEqual([]);
});

test("makes one query for any number of equal pages, at once or one after the other", async () => {
  await apply(...range(1, 200).map((id) => makeMessage(id)));
  const window = { kind: "before", id: 100n, limit: 50 } as const;
  const ask = { channelId, window, lastSeq: 200n, tail: [] };
  const answers = await Promise.all(Array.from({ length: 32 }, (_, viewer) => pages.read(ask, BigInt(viewer))));
  await pages.read(ask, 1n);
  expect(new Set(answers.map(({ json }) => json.toString())).size).toBe(1);
  expect(counts).toEqual({ requested: 33, queried: 1, memory: 0, shared: 32 });
});

test("keeps the newest messages of a channel up to date as rows are applied", async () => {
  await apply(...range(1, 60).map((id) => makeMessage(id)));
  await read(latest, { lastSeq: 60n });
  expect(counts.queried).toBe(1);
  await apply(makeMessage(61n, { text: "new" }), makeMessage(60n, { ts: 500n, seq: 62n, deleted: true }));
  await apply(makeMessage(59n, { ts: 501n, seq: 63n, text: "edited" }));
  const shown = await read({ kind: "latest", limit: 3 }, { lastSeq: 63n });
  expect(shown.map(({ id, content }) => `${id} ${content}`)).toEqual(["61 new", "59 edited", "58 "]);
  expect(counts).toMatchObject({ queried: 1, memory: 1 });
});

test("asks the store when memory lacks the owner's last seq", async () => {
  await apply(...range(1, 3).map((id) => makeMessage(id)));
  await read(latest, { lastSeq: 3n });
  const tail = [makeMessage(4n)];
  expect(await idsOf(latest, { lastSeq: 4n, tail })).toEqual([4, 3, 2, 1]);
  expect(counts.queried).toBe(2);
  // Written by another instance: this one was not told.
  await store.apply(makeBatch([makeMessage(4n), makeMessage(5n)]));
  expect(await idsOf(latest, { lastSeq: 5n })).toEqual([5, 4, 3, 2, 1]);
});

test("renders reactions in order of the first, for each viewer", async () => {
  await apply(
    makeMessage(1n),
    makeReaction(1n, 7n, { emojiId: 50n, emojiName: 'pa"rty', ts: 10n }),
    makeReaction(1n, 7n),
    makeReaction(1n, 8n),
  );
  const { json } = await pages.read({ channelId, window: latest, lastSeq: 0n, tail: [] }, 8n);
  const extra = (count: number, me: boolean) => ({
    count,
    count_details: { burst: 0, normal: count },
    burst_colors: [],
    me,
    me_burst: false,
  });
  expect(JSON.parse(json.toString())[0].reactions).toEqual([
    { emoji: { id: "50", name: 'pa"rty' }, ...extra(1, false) },
    { emoji: { id: null, name: "👍" }, ...extra(2, true) },
  ]);
});

test("counts the tail's reactions once, whether or not the store has them", async () => {
  await apply(makeMessage(1n), makeReaction(1n, 7n), makeReaction(1n, 8n));
  const tail = [
    makeReaction(1n, 8n),
    makeReaction(1n, 9n),
    makeReaction(1n, 7n, { ts: 5_000n, deleted: true }),
    makeReaction(1n, 5n, { ts: 5_001n, emojiName: "🎉" }),
  ];
  const [message] = await read(latest, { lastSeq: 9_999n, tail, viewerId: 9n });
  expect(message?.reactions?.map(({ emoji, count, me }) => [emoji.name, count, me])).toEqual([
    ["👍", 2, true],
    ["🎉", 1, false],
  ]);
});

test("knows the viewer's own among reactions too many to list", async () => {
  const many = range(1, 150).map((userId) => makeReaction(1n, userId));
  await apply(makeMessage(1n), ...many);
  const mine = async (viewerId: bigint, tail: StoreRow[] = []) => {
    const [message] = await read(latest, { viewerId, tail, lastSeq: tail.length === 0 ? 0n : 99_999n });
    return message?.reactions?.map(({ count, me }) => [count, me])[0];
  };
  expect(await mine(150n)).toEqual([150, true]);
  expect(await mine(151n)).toEqual([150, false]);
  const gone = makeReaction(1n, 150n, { ts: 9_000n, deleted: true });
  expect(await mine(150n, [gone])).toEqual([149, false]);
});

test("reads reactions anew when one was applied", async () => {
  await apply(makeMessage(1n));
  await read(latest, { lastSeq: 1n });
  await apply(makeReaction(1n, 7n));
  const [message] = await read(latest, { lastSeq: 1_007n, viewerId: 7n });
  expect(message?.reactions).toMatchObject([{ count: 1, me: true }]);
  expect(counts).toMatchObject({ queried: 1, memory: 1 });
});

test("drops what it holds of channels whose rows have an unknown fate", async () => {
  await apply(makeMessage(1n));
  await read(latest, { lastSeq: 1n });
  await store.apply(makeBatch([makeMessage(1n, { ts: 50n, text: "edited", seq: 1n })]));
  pages.forget([makeMessage(1n)]);
  expect(await read(latest, { lastSeq: 1n })).toMatchObject([{ content: "edited" }]);
});

test("a reply shows what it answers as that is now: edited, or gone, from memory, from the store and from the tail", async () => {
  const answered = async (...args: Parameters<typeof read>) => {
    const shown = (await read(...args)) as readonly (Shown & { readonly referenced_message?: Shown | null })[];
    return shown.map(({ id, referenced_message: it }) => [Number(id), it === null ? null : it?.content]);
  };
  await apply(makeMessage(1n, { text: "first" }), makeMessage(2n), makeMessage(3n, { referenceId: 1n }));
  const newest = { kind: "latest", limit: 1 } as const;
  expect(await answered(newest)).toEqual([[3, "first"]]);
  await apply(makeMessage(1n, { text: "edited", ts: 4n, seq: 4n }));
  expect(await answered(newest, { lastSeq: 4n })).toEqual([[3, "edited"]]);
  const gone = makeMessage(1n, { ts: 5n, seq: 5n, deleted: true });
  expect(await answered(newest, { lastSeq: 5n, tail: [gone] })).toEqual([[3, null]]);
  await apply(gone);
  expect(await answered({ kind: "one", id: 3n }, { lastSeq: 5n })).toEqual([[3, null]]);
});
