import { type ShardRange, shardOf } from "@guildhall/slots";

/** The slots of the journal's latest records by position, so that looking for a shard's records reads no others. */
export interface RecentSlots {
  /** Notes a record; one that does not follow the last noted forgets what was before it. */
  note(position: number, slot: number): void;
  /** The positions after `after` in a range, ascending, at most `limit`; undefined when `after` lies too far back. */
  find(range: ShardRange, after: number, limit: number): number[] | undefined;
  /** The last position noted. */
  readonly end: number;
}

/** Makes an empty window over `size` records. */
export function makeRecentSlots(size: number): RecentSlots {
  const slots = new Uint16Array(size);
  let start = 0;
  let end = -1;
  return {
    get end() {
      return end;
    },
    note(position, slot) {
      // A resend: it was noted when it was stored.
      if (position <= end) return;
      if (position !== end + 1) start = position;
      slots[position % size] = slot;
      end = position;
      start = Math.max(start, end - size + 1);
    },
    find(range, after, limit) {
      if (end < 0 || after + 1 < start) return undefined;
      const found: number[] = [];
      for (let position = after + 1; position <= end && found.length < limit; position += 1) {
        if (shardOf(slots[position % size] as number, range.n) === range.i) found.push(position);
      }
      return found;
    },
  };
}
