import { type ShardRange, shardOf, slotCount } from "@guildhall/slots";

/** What is known of each slot's records without reading them: when the last one was written, and of how many topics they are. */
export interface SlotTotals {
  /** A record with this `ts` (microseconds); `isFirst` of its topic. */
  note(slot: number, ts: bigint, isFirst: boolean): void;
  /** Adds topics that are there already, the newest record of which has this `ts`. */
  add(slot: number, ts: bigint, topics: number): void;
  /** The newest `ts` of a range; 0 when it has no records. */
  newest(range: ShardRange): bigint;
  /** How many topics each of the shards (0, n) to (n - 1, n) has. */
  topicsBy(n: number): readonly bigint[];
}

/** Makes totals of no records. */
export function makeSlotTotals(): SlotTotals {
  // Microseconds stay exact in a double until the year 2255.
  const times = new Float64Array(slotCount);
  const topics = new Uint32Array(slotCount);

  const add = (slot: number, ts: bigint, count: number): void => {
    const time = Number(ts);
    if (time > (times[slot] as number)) times[slot] = time;
    topics[slot] = (topics[slot] as number) + count;
  };
  return {
    note: (slot, ts, isFirst) => add(slot, ts, isFirst ? 1 : 0),
    add,
    newest({ i, n }) {
      let newest = 0;
      for (let slot = i; slot < slotCount; slot += n) newest = Math.max(newest, times[slot] as number);
      return BigInt(newest);
    },
    topicsBy(n) {
      const counts = new Array<number>(n).fill(0);
      for (const [slot, count] of topics.entries()) counts[shardOf(slot, n)] = (counts[shardOf(slot, n)] ?? 0) + count;
      return counts.map(BigInt);
    },
  };
}
