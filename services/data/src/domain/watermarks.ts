import { formatRange, rangesOfSlot, rangesOverlap, type ShardRange } from "@guildhall/slots";

/** How far a range is applied, and by which epoch. */
export interface RangeWatermark {
  readonly position: bigint;
  readonly epoch: number;
}

/** The row that says it. */
export interface WatermarkRow extends RangeWatermark {
  readonly range: ShardRange;
}

/** How far ranges are applied. A row is its range's fence, too; one of a range that was split stays, and ever less goes by it. */
export interface Watermarks {
  /** The range's own row, or that of the nearest range it was split from; position 0, epoch 0 when there is none. */
  read(range: ShardRange): RangeWatermark;
  /** The fence that refuses a batch: the higher epoch of an overlapping range. Undefined = nothing does. */
  fenceOf(range: ShardRange, epoch: number): number | undefined;
  /** Notes that all of the range is applied up to `position`; returns the row to keep, undefined when it is there already. */
  advance(range: ShardRange, epoch: number, position: bigint): WatermarkRow | undefined;
}

const nothing: RangeWatermark = { position: 0n, epoch: 0 };

/** Makes the watermarks that these rows say. */
export function makeWatermarks(rows: Iterable<WatermarkRow>): Watermarks {
  const byRange = new Map(Array.from(rows, (row) => [formatRange(row.range), row]));

  const read = (range: ShardRange): RangeWatermark => {
    for (const wider of widening(range)) {
      const row = byRange.get(formatRange(wider));
      if (row !== undefined) return { position: row.position, epoch: row.epoch };
    }
    return nothing;
  };

  return {
    read,
    fenceOf(range, epoch) {
      for (const fence of byRange.values()) {
        if (fence.epoch > epoch && rangesOverlap(fence.range, range)) return fence.epoch;
      }
      return undefined;
    },
    advance(range, epoch, position) {
      const own = byRange.get(formatRange(range));
      // What was said of the whole is true of its halves.
      const { position: known } = read(range);
      const rises = position > known;
      const row = { range, epoch, position: rises ? position : known };
      if (own !== undefined && !rises && own.epoch === epoch) return undefined;
      byRange.set(formatRange(range), row);
      return row;
    },
  };
}

/** The range and those that it was split from, the nearest first. */
export function widening(range: ShardRange): readonly ShardRange[] {
  return rangesOfSlot(range.i)
    .filter(({ n }) => n <= range.n)
    .reverse();
}
