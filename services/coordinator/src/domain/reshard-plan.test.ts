import { expect, test } from "@jest/globals";
import type { Shard } from "./ownership.ts";
import { doublingOf, planReshard, structureOf } from "./reshard-plan.ts";

const shard = (i: number, n: number, host: string): Shard => ({
  range: { i, n },
  key: `${i}/${n}`,
  row: { range: { i, n }, split: false, epoch: 1, host, incarnation: "x", moveId: "m" },
});
const input = (shards: Shard[], change: Partial<Parameters<typeof planReshard>[0]> = {}) => ({
  shards,
  to: doublingOf(shards).to,
  hosts: ["a", "b"],
  topics: Array.from({ length: doublingOf(shards).to }, (_, i) => i),
  weightOf: () => ({ weight: 1, lowPart: 0 }),
  target: 1.03,
  reshards: 0,
  ...change,
});

test("doubles, or goes on with what was left halfway", () => {
  expect(doublingOf([shard(0, 2, "a"), shard(1, 2, "b")])).toEqual({ from: 2, to: 4 });
  expect(doublingOf([shard(0, 2, "a"), shard(1, 4, "b"), shard(3, 4, "b")])).toEqual({ from: 2, to: 4 });
});

test("splits every shard where it is, with what each half has, and moves nothing that is even", () => {
  const plan = planReshard(input([shard(0, 2, "a"), shard(1, 2, "b")]));
  expect(plan.splits).toEqual([
    { range: { i: 0, n: 2 }, host: "a", lowTopics: 0, highTopics: 2, lowLoad: 0, highLoad: 1 },
    { range: { i: 1, n: 2 }, host: "b", lowTopics: 1, highTopics: 3, lowLoad: 0.25, highLoad: 0.75 },
  ]);
  expect(plan.moves).toEqual([]);
});

test("divides load by the part of the commands where that is known, and moves halves so that hosts are even", () => {
  const weightOf = ({ key }: Shard) => ({ weight: key === "0/2" ? 3 : 1, lowPart: 0.5 });
  const { moves, splits } = planReshard(input([shard(0, 2, "a"), shard(1, 2, "b")], { weightOf }));
  const texts = (all: typeof moves) => all.map(({ range, fromHost, toHost }) => `${range.i} ${fromHost}>${toHost}`);
  expect(splits.map(({ lowLoad, highLoad }) => [lowLoad, highLoad])).toEqual([
    [1.5, 1.5],
    [0.5, 0.5],
  ]);
  expect(texts(moves)).toEqual(["0 a>b", "1 b>a"]);
  const { moves: more } = planReshard(input([shard(0, 2, "a"), shard(1, 2, "a")], { weightOf }));
  expect(texts(more)).toEqual(["0 a>b", "1 a>b"]);
});

test("has a hash of owners, hosts and moves, and not of load, topics or what was cancelled", () => {
  const shards = [shard(0, 2, "a"), shard(1, 2, "b")];
  const { hash } = planReshard(input(shards));
  expect(hash).toMatch(/^[0-9a-f]{12}$/);
  expect(planReshard(input(shards, { topics: [9, 9, 9, 9] })).hash).toBe(hash);
  const others = [
    input([shard(0, 2, "b"), shard(1, 2, "a")]),
    input(shards, { hosts: ["a", "b", "c"] }),
    input(shards, { reshards: 1 }),
  ];
  const hashes = others.map((other) => planReshard(other).hash);
  expect(new Set([hash, ...hashes]).size).toBe(4);
  expect(structureOf(input(shards))).toBe(structureOf(input(shards, { topics: [] })));
});
