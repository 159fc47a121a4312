import { formatRange, splitRange } from "@guildhall/slots";
import { greedyMoves, type Weight } from "./greedy.ts";
import type { PlannedMove, PlannedSplit, ReshardPlan } from "./kept.ts";
import type { Shard } from "./ownership.ts";

/** What a plan is made of. */
export interface PlanInput {
  readonly shards: readonly Shard[];
  readonly to: number;
  /** Hosts that may have shards. */
  readonly hosts: readonly string[];
  /** By shard of `to`: how many topics it would have. */
  readonly topics: readonly number[];
  /** What a shard weighs, and which part of that its first half does. */
  readonly weightOf: (shard: Shard) => { readonly weight: number; readonly lowPart: number };
  readonly target: number;
  /** How many reshards there were: no plan has the hash of one that was cancelled. */
  readonly reshards: number;
}

/** The number of shards that a doubling leads to: twice as many, or, where one was left halfway, what it led to. */
export function doublingOf(shards: readonly Shard[]): { readonly from: number; readonly to: number } {
  const numbers = shards.map(({ range }) => range.n);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return { from: least, to: least === most ? 2 * most : most };
}

/** What a plan rests on: when this changes the plan is another. Loads and topics are not part of it. */
export function structureOf({
  shards,
  to,
  hosts,
  reshards,
}: Omit<PlanInput, "topics" | "weightOf" | "target">): string {
  const owners = shards.map(({ key, row }) => `${key}@${row?.host ?? ""}`);
  return hashOf([`${reshards}:${doublingOf(shards).from}:${to}`, ...owners, ...hosts].join(" "));
}

/** Which shard splits where, and what moves afterwards so that the hosts are even. Pure. */
export function planReshard(input: PlanInput): ReshardPlan {
  const { shards, to, hosts, target } = input;
  const due = shards.filter(({ range }) => range.n < to);
  const splits = due.map((shard) => planSplit(shard, input));
  const weights = [
    ...shards.filter(({ range }) => range.n >= to).map((shard) => weightNow(shard, input)),
    ...splits.flatMap(weightsOfHalves),
  ];
  const moves = greedyMoves({ weights, hosts, target, maxMoves: weights.length }).map(
    ({ range, from, to: toHost, before, after }): PlannedMove => ({
      range,
      fromHost: from,
      toHost,
      reason: `${from} would be at ${before.toFixed(2)} × the mean, then none of the two above ${after.toFixed(2)} ×`,
    }),
  );
  const texts = moves.map(({ range, fromHost, toHost }) => `${formatRange(range)}:${fromHost}>${toHost}`);
  return {
    from: doublingOf(shards).from,
    to,
    hash: hashOf([structureOf(input), ...texts].join(" ")),
    splits,
    moves,
  };
}

function planSplit(shard: Shard, { topics, to, weightOf }: PlanInput): PlannedSplit {
  const { range, row } = shard;
  const { weight, lowPart } = weightOf(shard);
  const [low, high] = splitRange(range);
  const topicsIn = ({ i, n }: { i: number; n: number }): number => {
    let sum = 0;
    for (let at = i; at < to; at += n) sum += topics[at] ?? 0;
    return sum;
  };
  const [lowTopics, highTopics] = [topicsIn(low), topicsIn(high)];
  const part = lowPart > 0 && lowPart < 1 ? lowPart : partOf(lowTopics, highTopics);
  return {
    range,
    host: row?.host ?? "",
    lowTopics,
    highTopics,
    lowLoad: weight * part,
    highLoad: weight * (1 - part),
  };
}

/** Where no load tells how a shard divides, its topics do. */
function partOf(low: number, high: number): number {
  return low + high === 0 ? 0.5 : low / (low + high);
}

function weightNow(shard: Shard, { weightOf }: PlanInput): Weight {
  const { range, key, row } = shard;
  return { key, range, host: row?.host ?? "", weight: weightOf(shard).weight, fixed: false };
}

function weightsOfHalves({ range, host, lowLoad, highLoad }: PlannedSplit): Weight[] {
  const [low, high] = splitRange(range);
  return [
    { key: formatRange(low), range: low, host, weight: lowLoad, fixed: false },
    { key: formatRange(high), range: high, host, weight: highLoad, fixed: false },
  ];
}

/** Two multiplicative hashes side by side, in hex: names a plan for people, and defends against nothing. */
function hashOf(text: string): string {
  let [low, high] = [0x811c9dc5, 0xdeadbeef];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5f356495);
    high ^= high >>> 15;
  }
  return [low, high]
    .map((half) => (half >>> 0).toString(16).padStart(8, "0"))
    .join("")
    .slice(0, 12);
}
