import type { EpochRow } from "@guildhall/slots";
import { expect, test } from "@jest/globals";
import { makeGroupCommit } from "./group-commit.ts";
import { makeRecentSlots } from "./recent-slots.ts";
import { owningRanges, spansToTrim, trimBefore } from "./trim.ts";

const minuteUs = 60_000_000n;

test("a group that fails rejects all in it, and the next group runs", async () => {
  const groups: string[][] = [];
  const commits = makeGroupCommit<string, string>({
    name: "test",
    maxGroup: 2,
    maxQueued: 10,
    weightOf: () => 1,
    async commit(ops) {
      groups.push([...ops]);
      if (ops.includes("b")) throw new Error("disk full");
      return ops.map((op) => op.toUpperCase());
    },
  });
  const outcomes = await Promise.allSettled(["a", "b", "c"].map((op) => commits.add(op)));
  expect(groups).toEqual([["a", "b"], ["c"]]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  expect(await commits.add("d")).toBe("D");
});

test("an answer is not given before the commit that holds it has returned", async () => {
  const returns: (() => void)[] = [];
  const answered: string[] = [];
  const commits = makeGroupCommit<string, string>({
    name: "test",
    maxGroup: 10,
    maxQueued: 10,
    weightOf: () => 1,
    commit: (ops) => new Promise((resolve) => returns.push(() => resolve(ops))),
  });
  const adding = ["a", "b"].map((op) => commits.add(op).then((answer) => answered.push(answer)));
  await new Promise(setImmediate);
  const late = commits.add("c").then((answer) => answered.push(answer));
  await new Promise(setImmediate);
  expect([returns.length, answered]).toEqual([1, []]);
  returns[0]?.();
  await Promise.all(adding);
  await new Promise(setImmediate);
  expect([returns.length, answered]).toEqual([2, ["a", "b"]]);
  returns[1]?.();
  await late;
});

test("an operation heavier than a group runs alone", async () => {
  const groups: number[][] = [];
  const commits = makeGroupCommit<number, number>({
    name: "test",
    maxGroup: 5,
    maxQueued: 100,
    weightOf: (op) => op,
    async commit(ops) {
      groups.push([...ops]);
      return ops;
    },
  });
  await Promise.all([3, 9, 2, 2].map((op) => commits.add(op)));
  expect(groups).toEqual([[3], [9], [2, 2]]);
});

test("recent slots find a range's positions, and say when they do not reach back", () => {
  const recent = makeRecentSlots(4);
  expect(recent.find({ i: 0, n: 1 }, 0, 9)).toBeUndefined();
  for (let position = 1; position <= 6; position += 1) recent.note(position, position % 2);
  recent.note(3, 1);
  expect(recent.find({ i: 1, n: 2 }, 2, 9)).toEqual([3, 5]);
  expect(recent.find({ i: 0, n: 1 }, 2, 2)).toEqual([3, 4]);
  expect(recent.find({ i: 1, n: 2 }, 1, 9)).toBeUndefined();
  expect(recent.find({ i: 1, n: 2 }, 6, 9)).toEqual([]);
  recent.note(9, 1);
  expect(recent.find({ i: 1, n: 2 }, 8, 9)).toEqual([9]);
  expect(recent.find({ i: 1, n: 2 }, 7, 9)).toBeUndefined();
});

test("the owning ranges are the halves of a split, and a taken half stays beside the other", () => {
  const row = (i: number, n: number, epoch: number, split = false): EpochRow => {
    return { range: { i, n }, split, epoch, host: "h", incarnation: "a", moveId: "" };
  };
  const texts = (rows: EpochRow[]) => owningRanges(rows).map(({ i, n }) => `${i}/${n}`);
  expect(texts([row(0, 2, 1), row(1, 2, 1)])).toEqual(["0/2", "1/2"]);
  expect(texts([row(0, 2, 2, true), row(1, 2, 1)])).toEqual(["1/2", "0/4", "2/4"]);
  expect(texts([row(0, 2, 2, true), row(1, 2, 1), row(2, 4, 3)])).toEqual(["1/2", "0/4", "2/4"]);
});

test("records may go when they are old by the clock and by their shard's newest record", () => {
  const now = 100n * minuteUs;
  const keep = 10n * minuteUs;
  expect(trimBefore(now, keep, 99n * minuteUs)).toBe(90n * minuteUs);
  expect(trimBefore(now, keep, 50n * minuteUs)).toBe(45n * minuteUs);
});

test("trimming spans what may go, stops at the young, and cuts large parts", () => {
  const records = [1n, 2n, 3n, 4n, 5n, 6n].map((position) => ({
    position,
    slot: position === 3n ? 1 : 0,
    ts: position,
  }));
  const rules = [
    { range: { i: 0, n: 2 }, position: 5n, beforeTs: 6n },
    { range: { i: 1, n: 2 }, position: 0n, beforeTs: 6n },
  ];
  expect(spansToTrim(records, rules, 3)).toEqual({
    spans: [
      [
        [1n, 2n],
        [4n, 4n],
      ],
      [[5n, 5n]],
    ],
    end: true,
  });
});
