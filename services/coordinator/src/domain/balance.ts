import { formatRange, type ShardRange } from "@guildhall/slots";
import { type BetterMove, greedyMoves, hostWeights, imbalanceOf, type Weight } from "./greedy.ts";
import type { FleetSpec, PlannedMove } from "./kept.ts";
import { smoothedWindows } from "./loads.ts";
import { isOpen } from "./windows.ts";

/*
 * Balancing is
 *
 *   resting ──a host above trigger × mean──▶ evening ──no host above target × mean, or no move helps──▶ resting
 *
 * One decision a window. In `evening` it moves what makes the worst host better, a few shards at once; each decision
 * looks at what is then, so that no plan outlives what it was made of.
 */

/** A shard as the balancer sees it. */
export interface BalanceShard {
  readonly key: string;
  readonly range: ShardRange;
  /** Where it is, or where it is on the way to. */
  readonly host: string;
  /** All shards together about 1. */
  readonly weight: number;
  /** Windows that its load was measured over. */
  readonly windows: number;
  /** Unix time. */
  readonly movedMs: number;
  /** Unix time before which it is to rest. */
  readonly notBeforeMs: number;
  /** It moves, splits, or waits for an owner. */
  readonly busy: boolean;
  /** Decimal id of the topic that does most, and its part of the shard's commands. */
  readonly busiestTopic: string;
  readonly busiestPart: number;
}

/** What a decision goes by. */
export interface BalanceObservation {
  readonly shards: readonly BalanceShard[];
  /** Hosts that may have shards, ready or not. */
  readonly hosts: readonly { readonly name: string; readonly version: string; readonly running: number }[];
  /** Why nothing may be moved voluntarily at all; empty = it may. */
  readonly hindrance: string;
  readonly evening: boolean;
  /** Since when (Unix time) an operator asks for it: now, whatever mode, window and cooldown say. Absent = nobody does. */
  readonly askedSinceMs?: number;
}

/** A guild that no move can help with. */
export interface TooBig {
  readonly range: ShardRange;
  readonly host: string;
  readonly topic: string;
  /** The shard's weight divided by the mean of the hosts. */
  readonly ofMean: number;
}

/** What is to be done. */
export interface BalanceDecision {
  /** To begin with now, as many as may be under way at once. */
  readonly moves: readonly PlannedMove[];
  /** All that would make the hosts even, as things are. */
  readonly plan: readonly PlannedMove[];
  readonly tooBig: readonly TooBig[];
  readonly evening: boolean;
  readonly action: "nothing" | "move" | "would move";
  readonly reason: string;
  /** The worst host divided by the mean; 0 = there are no hosts. */
  readonly imbalance: number;
}

type BalanceConfig = Pick<
  FleetSpec,
  "rebalancingMode" | "trigger" | "target" | "cooldownMs" | "movesPerHost" | "rebalancingWindows"
>;

/** A host takes part in at most this many moves at once, whatever the spec says. */
export const mostMovesPerHost = 2;

/** Decides what to move now. Pure. */
export function decideBalance(observation: BalanceObservation, config: BalanceConfig, nowMs: number): BalanceDecision {
  const names = observation.hosts.map(({ name }) => name);
  const weights = observation.shards.map((shard) => weightOf(shard, observation, config, nowMs));
  const sums = hostWeights(weights, names);
  const imbalance = names.length === 0 ? 0 : imbalanceOf(sums);
  const tooBig = findTooBig(observation.shards, sums, imbalance, config);
  const base = { moves: [], plan: [], tooBig, imbalance, action: "nothing" } as const;
  const hindrance = hindranceOf(observation, config, nowMs);
  if (hindrance !== "") return { ...base, evening: observation.evening, reason: hindrance };
  const isAsked = observation.askedSinceMs !== undefined;
  const limit = isAsked || observation.evening ? config.target : config.trigger;
  if (imbalance <= limit) return { ...base, evening: false, reason: `no host is above ${limit} × the mean` };
  const greedy = { weights, hosts: names, target: config.target };
  const plan = greedyMoves({ ...greedy, maxMoves: weights.length }).map(planned);
  if (plan.length === 0) {
    return { ...base, evening: false, reason: `no move helps: ${whyNot(observation, config, tooBig, nowMs)}` };
  }
  const running = new Map(observation.hosts.map((host) => [host.name, host.running]));
  const mostPerHost = Math.min(config.movesPerHost, mostMovesPerHost);
  const moves = greedyMoves({ ...greedy, maxMoves: weights.length, limit: { running, mostPerHost } }).map(planned);
  if (moves.length === 0) return { ...base, plan, evening: true, reason: "as many moves are under way as may be" };
  const action = isAsked || config.rebalancingMode === "Auto" ? "move" : "would move";
  const reason = `the worst host is at ${times(imbalance)} the mean`;
  return { moves, plan, tooBig, evening: true, action, reason, imbalance };
}

const planned = ({ range, from, to, before, after }: BetterMove): PlannedMove => ({
  range,
  fromHost: from,
  toHost: to,
  reason: `${from} is at ${times(before)} the mean, then none of the two above ${times(after)}`,
});

const times = (factor: number): string => `${factor.toFixed(2)} ×`;

function hindranceOf(observation: BalanceObservation, config: BalanceConfig, nowMs: number): string {
  if (observation.hindrance !== "") return observation.hindrance;
  if (observation.hosts.length < 2) return "there is one host";
  if (observation.askedSinceMs !== undefined) return "";
  if (config.rebalancingMode === "Off") return "rebalancing.mode is Off";
  if (!isOpen(config.rebalancingWindows, nowMs)) return "waiting for a window of rebalancing.windows";
  if (observation.shards.some(({ windows }) => windows < smoothedWindows)) {
    return `the load of a shard is known for less than ${smoothedWindows} windows`;
  }
  return "";
}

function weightOf(
  shard: BalanceShard,
  { askedSinceMs }: BalanceObservation,
  { cooldownMs }: BalanceConfig,
  nowMs: number,
): Weight {
  const { key, range, host, weight } = shard;
  return { key, range, host, weight, fixed: shard.busy || rests(shard, askedSinceMs, cooldownMs, nowMs) };
}

function rests(
  { movedMs, notBeforeMs }: BalanceShard,
  askedSinceMs: number | undefined,
  cooldownMs: number,
  nowMs: number,
): boolean {
  if (nowMs < notBeforeMs) return true;
  // Who asks does not wait for the cooldown; but no shard moves twice for one asking.
  if (askedSinceMs !== undefined) return movedMs >= askedSinceMs;
  return movedMs > 0 && nowMs < movedMs + cooldownMs;
}

/** Shards that alone are more than a host should have, because of one topic: on no host would it be better. */
function findTooBig(
  shards: readonly BalanceShard[],
  sums: ReadonlyMap<string, number>,
  imbalance: number,
  { trigger }: BalanceConfig,
): TooBig[] {
  if (imbalance <= trigger || sums.size < 2) return [];
  const mean = [...sums.values()].reduce((sum, weight) => sum + weight, 0) / sums.size;
  return shards
    .filter(({ weight, busiestPart }) => weight * busiestPart > trigger * mean)
    .map(({ range, host, busiestTopic, weight }) => ({ range, host, topic: busiestTopic, ofMean: weight / mean }));
}

function whyNot(
  { shards, askedSinceMs }: BalanceObservation,
  { cooldownMs }: BalanceConfig,
  [tooBig]: readonly TooBig[],
  nowMs: number,
): string {
  if (tooBig !== undefined) return `guild ${tooBig.topic} in shard ${formatRange(tooBig.range)} is too big by itself`;
  const resting = shards.filter((shard) => rests(shard, askedSinceMs, cooldownMs, nowMs)).length;
  return resting > 0 ? "shards that would help were moved lately" : "the shards do not divide more evenly";
}
