import { describe, expect, test } from "@jest/globals";
import { type BalanceObservation, type BalanceShard, decideBalance } from "./balance.ts";
import type { FleetSpec } from "./kept.ts";
import { initialSpec } from "./spec.ts";

const nowMs = 1_760_000_000_000;
const config = { ...initialSpec(8, ["a", "b"]), rebalancingMode: "Auto" as const };

const shardOf = (i: number, host: string, weight: number, change: Partial<BalanceShard> = {}): BalanceShard => ({
  key: `${i}/8`,
  range: { i, n: 8 },
  host,
  weight,
  windows: 5,
  movedMs: 0,
  notBeforeMs: 0,
  busy: false,
  busiestTopic: "42",
  busiestPart: 0,
  ...change,
});

/** Shards of each host by weight, e.g. { a: [3, 1], b: [] }. */
function observe(weights: Record<string, number[]>, change: Partial<BalanceObservation> = {}): BalanceObservation {
  let i = 0;
  const shards = Object.entries(weights).flatMap(([host, all]) => all.map((weight) => shardOf(i++, host, weight)));
  const hosts = Object.keys(weights).map((name) => ({ name, version: "1", running: 0 }));
  return { shards, hosts, hindrance: "", evening: false, ...change };
}

const decide = (observation: BalanceObservation, change: Partial<FleetSpec> = {}) => {
  const { moves, ...decision } = decideBalance(observation, { ...config, ...change }, nowMs);
  return { ...decision, moves: moves.map(({ range, fromHost, toHost }) => `${range.i} ${fromHost}>${toHost}`) };
};

describe("when it moves", () => {
  test.each<[string, BalanceObservation, Partial<FleetSpec>, string[], string]>([
    ["nothing below the trigger", observe({ a: [1.05], b: [0.95] }), {}, [], "no host is above 1.1 × the mean"],
    ["above the trigger", observe({ a: [5, 1], b: [4] }), {}, ["1 a>b"], "the worst host is at 1.20 × the mean"],
    [
      "in an evening, above the target",
      observe({ a: [5, 0.2, 0.2], b: [5] }, { evening: true }),
      {},
      ["1 a>b"],
      "the worst host is at 1.04 × the mean",
    ],
    [
      "not in an evening within the target",
      observe({ a: [5.1], b: [5] }, { evening: true }),
      {},
      [],
      "no host is above 1.03 × the mean",
    ],
    [
      "an empty host gets its part",
      observe({ a: [1, 1, 1], b: [1, 1, 1], c: [] }),
      {},
      ["0 a>c", "3 b>c"],
      "the worst host is at 1.50 × the mean",
    ],
    ["mode Off", observe({ a: [9], b: [] }), { rebalancingMode: "Off" }, [], "rebalancing.mode is Off"],
    ["one host", observe({ a: [9, 1] }), {}, [], "there is one host"],
    ["a hindrance", observe({ a: [9, 1], b: [] }, { hindrance: "b is not ready" }), {}, [], "b is not ready"],
    [
      "outside of windows",
      observe({ a: [9, 1], b: [] }),
      { rebalancingWindows: [{ days: [], fromMinute: 0, toMinute: 60, timeZone: "UTC" }] },
      [],
      "waiting for a window of rebalancing.windows",
    ],
    [
      "shards that do not divide",
      observe({ a: [1, 1], b: [1] }),
      {},
      [],
      "no move helps: the shards do not divide more evenly",
    ],
  ])("%s", (_, observation, change, moves, reason) => {
    expect(decide(observation, change)).toMatchObject({ moves, reason });
  });
});

test("in DryRun it says what it would move", () => {
  const decided = decide(observe({ a: [5, 1], b: [4] }), { rebalancingMode: "DryRun" });
  expect(decided).toMatchObject({ action: "would move", moves: ["1 a>b"] });
});

test("waits until every load is known over five windows", () => {
  const observation = observe({ a: [5, 1], b: [4] });
  const young = observation.shards.map((shard) => ({ ...shard, windows: 4 }));
  expect(decide({ ...observation, shards: young })).toMatchObject({
    moves: [],
    reason: "the load of a shard is known for less than 5 windows",
  });
});

test("begins at most two moves a host at once, those that run counted, and plans the rest", () => {
  const observation = observe({ a: [1, 1, 1, 1, 1, 1, 1, 1], b: [] });
  const first = decideBalance(observation, config, nowMs);
  expect([first.moves.length, first.plan.length]).toEqual([2, 4]);
  const hosts = observation.hosts.map((host) => ({ ...host, running: 1 }));
  expect(decide({ ...observation, hosts }).moves).toHaveLength(1);
  const full = observation.hosts.map((host) => ({ ...host, running: 2 }));
  expect(decide({ ...observation, hosts: full })).toMatchObject({
    moves: [],
    evening: true,
    reason: "as many moves are under way as may be",
  });
});

test("leaves shards alone that were moved lately, rest, or are busy", () => {
  const base = observe({ a: [5, 1, 1], b: [4] });
  const change = (changes: Record<number, Partial<BalanceShard>>) => ({
    ...base,
    shards: base.shards.map((shard) => ({ ...shard, ...changes[shard.range.i] })),
  });
  expect(decide(change({ 1: { movedMs: nowMs - 599_999 } })).moves).toEqual(["2 a>b"]);
  expect(decide(change({ 1: { movedMs: nowMs - 600_000 } })).moves).toEqual(["1 a>b"]);
  expect(decide(change({ 1: { notBeforeMs: nowMs + 1 } })).moves).toEqual(["2 a>b"]);
  expect(decide(change({ 1: { busy: true } })).moves).toEqual(["2 a>b"]);
  const resting = change({ 1: { movedMs: nowMs - 1 }, 2: { movedMs: nowMs - 1 } });
  expect(decide(resting).reason).toBe("no move helps: shards that would help were moved lately");
});

test("marks a guild that is too big to help by moving, and moves what stands beside it", () => {
  const observation = observe({ a: [6, 1], b: [1, 1] });
  const shards = observation.shards.map((shard) => (shard.range.i === 0 ? { ...shard, busiestPart: 0.9 } : shard));
  expect(decide({ ...observation, shards })).toMatchObject({
    tooBig: [{ range: { i: 0, n: 8 }, host: "a", topic: "42" }],
    moves: ["1 a>b"],
  });
  const alone = observe({ a: [6], b: [1, 1] });
  const big = alone.shards.map((shard) => (shard.range.i === 0 ? { ...shard, busiestPart: 0.9 } : shard));
  expect(decide({ ...alone, shards: big })).toMatchObject({
    moves: [],
    reason: "no move helps: guild 42 in shard 0/8 is too big by itself",
  });
});

test("asked by an operator it looks at neither mode, windows, cooldown nor age, and moves no shard twice", () => {
  const observation = observe({ a: [5, 1], b: [4] }, { askedSinceMs: nowMs - 1_000 });
  const shards = observation.shards.map((shard) => ({ ...shard, windows: 0, movedMs: nowMs - 2_000 }));
  expect(decide({ ...observation, shards }, { rebalancingMode: "Off" })).toMatchObject({
    action: "move",
    moves: ["1 a>b"],
  });
  const moved = shards.map((shard) => ({ ...shard, movedMs: nowMs - 500 }));
  expect(decide({ ...observation, shards: moved }).moves).toEqual([]);
});

test("every move makes the worst host better, until no host is above the target or none helps", () => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) * below;
  };
  for (let round = 0; round < 200; round++) {
    const hosts = ["a", "b", "c", "d"].slice(0, 2 + Math.floor(random(3)));
    const all = Array.from({ length: 16 }, (_, i) =>
      shardOf(i, hosts[Math.floor(random(hosts.length))] ?? "a", random(1) ** 3),
    );
    const observation = { ...observe(Object.fromEntries(hosts.map((host) => [host, []]))), shards: all };
    const { plan, imbalance } = decideBalance(observation, { ...config, cooldownMs: 0 }, nowMs);
    const at = new Map(all.map((shard) => [shard.range.i, shard.host]));
    const worst = (): number =>
      Math.max(
        ...hosts.map((host) =>
          all.reduce((sum, { range, weight }) => sum + (at.get(range.i) === host ? weight : 0), 0),
        ),
      );
    const before = worst();
    for (const { range, toHost } of plan) at.set(range.i, toHost);
    expect(new Set(plan.map(({ range }) => range.i)).size).toBe(plan.length);
    expect(worst()).toBeLessThanOrEqual(before + 1e-9);
    if (plan.length === 0) expect(imbalance).toBeGreaterThanOrEqual(1);
  }
});
