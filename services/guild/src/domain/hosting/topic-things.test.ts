import type { Row } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { rowOf } from "../model/outcome.ts";
import type { Member } from "../model/thing.ts";
import { makeRecentPool } from "./recent.ts";
import { makeTopicTail } from "./tail.ts";
import { makeTopicThings } from "./topic-things.ts";

const topic = 7n;
const storeGivesAtMost = 1_000;

function memberRow(userId: bigint, deleted = false): Row {
  const profile = { id: userId, username: `u${userId}`, globalName: "", avatar: "", bot: false, publicFlags: 0n };
  const member: Member = { userId, profile, roleIds: [], joinedAt: "2026-01-02T03:04:05.000000+00:00" };
  const place = { topic, epoch: 1, seq: 1n, ts: 1n };
  return rowOf(deleted ? { of: "member-gone", userId } : { of: "member", member }, place);
}

/** Members 1 to `count` are in the store; `later` rows are not yet. */
function things(count: number, later: readonly Row[]) {
  const rows = Array.from({ length: count }, (_, index) => memberRow(BigInt(index + 1)));
  const tail = makeTopicTail();
  tail.add(1n, later);
  const pool = makeRecentPool(10);
  return makeTopicThings({
    topic,
    tail,
    store: {
      loadMembers: async () => [],
      loadMessages: async () => [],
      listMembers: async (_topic, after, limit) =>
        rows.slice(Number(after), Number(after) + Math.min(limit, storeGivesAtMost)),
    },
    members: pool.makeMap(),
    messages: pool.makeMap(),
  });
}

test("a full page is full also when some have left and others joined since the store was written", async () => {
  const list = things(3_000, [memberRow(2n, true), memberRow(5n, true), memberRow(9_000n)]);
  const pages: bigint[][] = [];
  for (let after: bigint | undefined = 0n; after !== undefined; after = pages.at(-1)?.at(-1)) {
    pages.push((await list.list(after, 1_000)).map(({ userId }) => userId));
  }
  expect(pages.map(({ length }) => length)).toEqual([1_000, 1_000, 999, 0]);
  const expected = Array.from({ length: 3_000 }, (_, index) => BigInt(index + 1)).filter(
    (id) => id !== 2n && id !== 5n,
  );
  expect(pages.flat()).toEqual([...expected, 9_000n]);
});
