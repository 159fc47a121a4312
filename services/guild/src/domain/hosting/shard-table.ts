import { rangesOverlap, type ShardRange, sameRange, shardOf, slotOf } from "@guildhall/slots";
import type { Shard } from "./shard.ts";

/** The shards that a host serves. Their ranges do not overlap. */
export interface ShardTable {
  readonly all: readonly Shard[];
  /** The shard that holds a topic. */
  of(topic: bigint): Shard | undefined;
  /** The shard of exactly this range. */
  at(range: ShardRange): Shard | undefined;
  /** Whether any shard has a slot of this range. */
  overlaps(range: ShardRange): boolean;
  /** Puts shards in the place of others (none: adds them, or takes them away). */
  replace(gone: readonly Shard[], come: readonly Shard[]): void;
}

/** Makes an empty table. */
export function makeShardTable(): ShardTable {
  let all: readonly Shard[] = [];
  // n is a power of two above i, so that n + i names a range.
  let byKey = new Map<number, Shard>();
  let counts: readonly number[] = [];
  return {
    get all() {
      return all;
    },
    of(topic) {
      const slot = slotOf(topic);
      for (const n of counts) {
        const shard = byKey.get(n + shardOf(slot, n));
        if (shard !== undefined) return shard;
      }
      return undefined;
    },
    at: (range) => all.find((shard) => sameRange(shard.range, range)),
    overlaps: (range) => all.some((shard) => rangesOverlap(shard.range, range)),
    replace(gone, come) {
      all = [...all.filter((shard) => !gone.includes(shard)), ...come];
      byKey = new Map(all.map((shard) => [shard.range.n + shard.range.i, shard]));
      counts = [...new Set(all.map(({ range }) => range.n))];
    },
  };
}
