import type { ShardRange } from "@guildhall/slots";

/** A shard with its weight, at a host; `fixed` = it may not be moved now. */
export interface Weight {
  readonly key: string;
  readonly range: ShardRange;
  readonly host: string;
  readonly weight: number;
  readonly fixed: boolean;
}

/** A move that makes the worst host better. */
export interface BetterMove {
  readonly key: string;
  readonly range: ShardRange;
  readonly from: string;
  readonly to: string;
  /** The heavier of the two hosts divided by the mean, before and after. */
  readonly before: number;
  readonly after: number;
}

/** What makes hosts even. */
export interface GreedyOptions {
  readonly weights: readonly Weight[];
  /** Hosts that may get shards. */
  readonly hosts: readonly string[];
  /** Nothing is moved once no host is above this times the mean. */
  readonly target: number;
  readonly maxMoves: number;
  /** How many moves each host takes part in already, and how many it may at once; absent = any number. */
  readonly limit?: { readonly running: ReadonlyMap<string, number>; readonly mostPerHost: number };
}

/** Each host's weight, those of `hosts` also when they have nothing. */
export function hostWeights(weights: readonly Weight[], hosts: readonly string[]): Map<string, number> {
  const sums = new Map(hosts.map((host) => [host, 0]));
  for (const { host, weight } of weights) if (sums.has(host)) sums.set(host, (sums.get(host) ?? 0) + weight);
  return sums;
}

/** The worst host divided by the mean; 1 when there is nothing. */
export function imbalanceOf(sums: ReadonlyMap<string, number>): number {
  const all = [...sums.values()];
  const mean = all.reduce((sum, weight) => sum + weight, 0) / Math.max(1, all.length);
  return mean > 0 ? Math.max(...all) / mean : 1;
}

/**
 * Moves, each from the then worst host to the then best, that make both better than the worst was. Where the worst host
 * has nothing that helps, the next worst above the target is looked at. Pure: the same input gives the same moves.
 */
export function greedyMoves({ weights, hosts, target, maxMoves, limit }: GreedyOptions): BetterMove[] {
  const at = new Map(weights.map((weight) => [weight.key, weight]));
  const sums = hostWeights(weights, hosts);
  const mean = [...sums.values()].reduce((sum, weight) => sum + weight, 0) / Math.max(1, sums.size);
  const running = new Map(limit?.running);
  const mayMove = (host: string): boolean => limit === undefined || (running.get(host) ?? 0) < limit.mostPerHost;
  const moves: BetterMove[] = [];
  while (moves.length < maxMoves) {
    const move = bestMove([...at.values()], sums, { mean, target, mayMove });
    const moved = move === undefined ? undefined : at.get(move.key);
    if (move === undefined || moved === undefined) break;
    moves.push(move);
    for (const host of [move.from, move.to]) running.set(host, (running.get(host) ?? 0) + 1);
    // Once is enough: a second move of the same shard would undo the first.
    at.set(move.key, { ...moved, host: move.to, fixed: true });
    sums.set(move.from, (sums.get(move.from) ?? 0) - moved.weight);
    sums.set(move.to, (sums.get(move.to) ?? 0) + moved.weight);
  }
  return moves;
}

// Below this part of the mean a difference is rounding.
const leastGain = 1e-6;

function bestMove(
  weights: readonly Weight[],
  sums: ReadonlyMap<string, number>,
  { mean, target, mayMove }: { mean: number; target: number; mayMove: (host: string) => boolean },
): BetterMove | undefined {
  const byWeight = [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  for (const [from, heavy] of byWeight) {
    if (heavy <= target * mean) return undefined;
    if (!mayMove(from)) continue;
    for (const [to, light] of [...byWeight].reverse()) {
      if (to === from || !mayMove(to)) continue;
      const best = bestShard(weights, from, heavy, light, leastGain * mean);
      if (best === undefined) continue;
      const after = Math.max(heavy - best.weight, light + best.weight) / mean;
      return { key: best.key, range: best.range, from, to, before: heavy / mean, after };
    }
  }
  return undefined;
}

/** The shard of `from` whose move leaves the heavier of the two hosts lightest; undefined when none helps. */
function bestShard(
  weights: readonly Weight[],
  from: string,
  heavy: number,
  light: number,
  gain: number,
): Weight | undefined {
  let best: { readonly weight: Weight; readonly after: number } | undefined;
  for (const weight of weights) {
    if (weight.host !== from || weight.fixed || weight.weight <= 0) continue;
    const after = Math.max(heavy - weight.weight, light + weight.weight);
    if (after < heavy - gain && (best === undefined || after < best.after - gain)) best = { weight, after };
  }
  return best?.weight;
}
