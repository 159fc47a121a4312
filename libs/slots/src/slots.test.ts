import { describe, expect, test } from "@jest/globals";
import {
  decideEpoch,
  type EpochAsk,
  type EpochRow,
  formatRange,
  highestFence,
  isRange,
  isShardCount,
  parseRange,
  rangeContains,
  rangesOfSlot,
  rangesOverlap,
  shardOf,
  slotCount,
  slotOf,
  splitRange,
} from "./index.ts";

describe("slots and ranges", () => {
  test("takes the slot from the 16 bits above the lowest 22, so that shards agree with Discord's formula", () => {
    const topic = 1100000000000000001n;
    expect(slotOf(topic)).toBe(Number((topic >> 22n) % 65_536n));
    for (const n of [1, 2, 8, 65_536]) expect(shardOf(slotOf(topic), n)).toBe(Number((topic >> 22n) % BigInt(n)));
    expect(slotOf((1n << 64n) - 1n)).toBe(65_535);
  });

  test("takes powers of two up to the number of slots for shard counts", () => {
    expect([1, 2, 4, 65_536].map(isShardCount)).toEqual([true, true, true, true]);
    expect([0, 3, -2, 1.5, 131_072, Number.NaN].map(isShardCount)).toEqual(Array(6).fill(false));
  });

  test("splits a range into halves that share nothing and leave nothing out", () => {
    const range = { i: 3, n: 8 };
    const [low, high] = splitRange(range);
    expect([low, high]).toEqual([
      { i: 3, n: 16 },
      { i: 11, n: 16 },
    ]);
    for (let slot = 0; slot < slotCount; slot++) {
      const inHalves = Number(rangeContains(low, slot)) + Number(rangeContains(high, slot));
      if (inHalves !== Number(rangeContains(range, slot))) throw new Error(`slot ${slot} is in ${inHalves} halves`);
    }
    expect(() => splitRange({ i: 0, n: slotCount })).toThrow(RangeError);
  });

  test("sees ranges overlap when one holds the other", () => {
    expect(rangesOverlap({ i: 1, n: 4 }, { i: 5, n: 8 })).toBe(true);
    expect(rangesOverlap({ i: 5, n: 8 }, { i: 1, n: 4 })).toBe(true);
    expect(rangesOverlap({ i: 1, n: 4 }, { i: 6, n: 8 })).toBe(false);
    expect(rangesOverlap({ i: 0, n: 1 }, { i: 77, n: 128 })).toBe(true);
  });

  test("reads what it writes, and no other text", () => {
    expect(parseRange(formatRange({ i: 11, n: 16 }))).toEqual({ i: 11, n: 16 });
    expect(["", "1", "1/3", "4/4", "01/4", "-1/4", "1/4 ", "0/131072"].map(parseRange)).toEqual(
      Array(8).fill(undefined),
    );
    expect(isRange({ i: 0.5, n: 4 })).toBe(false);
  });
});

describe("highestFence", () => {
  test("is the highest epoch of the rows over a slot, whatever their width", () => {
    const rows = new Map([
      ["0/1", 3],
      ["1/2", 2],
      ["5/8", 7],
      ["1/8", 9],
    ]);
    expect(rangesOfSlot(13)).toHaveLength(17);
    expect(highestFence(rows, 13)).toBe(7);
    expect(highestFence(rows, 2)).toBe(3);
    expect(highestFence(({ i, n }) => rows.get(`${i}/${n}`), 9)).toBe(9);
    expect(highestFence(new Map(), 9)).toBe(0);
  });
});

describe("decideEpoch", () => {
  const first: EpochRow = {
    range: { i: 1, n: 4 },
    split: false,
    epoch: 1,
    host: "a",
    incarnation: "a1",
    moveId: "start",
  };
  const next = (prev: EpochRow, change: Partial<EpochAsk> = {}): EpochAsk => ({
    ...prev,
    epoch: prev.epoch + 1,
    host: "b",
    incarnation: "b1",
    moveId: "move",
    prev,
    ...change,
  });
  const taken = { taken: true };

  test("takes the first ever with epoch 1 and no prev", () => {
    expect(decideEpoch(undefined, { ...first, prev: undefined })).toEqual(taken);
    expect(decideEpoch(undefined, { ...first, epoch: 2, prev: undefined })).toEqual({
      taken: false,
      winner: undefined,
    });
    expect(decideEpoch(undefined, next(first))).toEqual({ taken: false, winner: undefined });
  });

  test("takes the next one that names the last, over the same range", () => {
    expect(decideEpoch(first, next(first))).toEqual(taken);
  });

  test("takes again what was taken last, and refuses it once another came after", () => {
    const second = next(first);
    expect(decideEpoch(second, second)).toEqual(taken);
    const third = next(second, { host: "c", incarnation: "c1" });
    expect(decideEpoch(third, second)).toEqual({ taken: false, winner: third });
  });

  test("lets the first of two contenders win and names it to the other, which cannot build on its own try", () => {
    const move = next(first);
    const takeBack = next(first, { host: "a", incarnation: "a1" });
    expect(decideEpoch(move, takeBack)).toEqual({ taken: false, winner: move });
    expect(decideEpoch(move, next(takeBack))).toEqual({ taken: false, winner: move });
  });

  test.each<[string, Partial<EpochAsk>]>([
    ["a number that is not the next", { epoch: 3 }],
    ["no prev", { prev: undefined }],
    ["another range", { range: { i: 1, n: 8 } }],
    ["a wider range", { range: { i: 1, n: 2 } }],
    ["a prev of another incarnation", { prev: { ...first, incarnation: "a0" } }],
    ["a prev of another order", { prev: { ...first, moveId: "other" } }],
  ])("refuses %s", (_, change) => {
    expect(decideEpoch(first, next(first, change))).toEqual({ taken: false, winner: first });
  });

  test("takes each half after a split, and neither the whole nor a quarter", () => {
    const split = next(first, { split: true, host: "a", incarnation: "a1" });
    expect(decideEpoch(first, split)).toEqual(taken);
    expect(decideEpoch(split, next(split, { range: { i: 1, n: 8 } }))).toEqual(taken);
    expect(decideEpoch(split, next(split, { range: { i: 5, n: 8 }, split: true }))).toEqual(taken);
    const refused = { taken: false, winner: split };
    expect(decideEpoch(split, next(split, { split: false }))).toEqual(refused);
    expect(decideEpoch(split, next(split, { range: { i: 1, n: 16 } }))).toEqual(refused);
  });

  test("refuses the split of a single slot and a range that is none", () => {
    const single = { ...first, range: { i: 9, n: slotCount } };
    expect(decideEpoch(single, next(single, { split: true }))).toEqual({ taken: false, winner: single });
    expect(decideEpoch(undefined, { ...first, range: { i: 4, n: 4 }, prev: undefined }).taken).toBe(false);
  });
});
