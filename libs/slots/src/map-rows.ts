import type { MapEntry } from "./map-entry.ts";
import { type ShardRange, shardOf } from "./range.ts";

/** An entry and what it counts for: of two that hold a slot the higher rank owns it, the narrower one when they are equal. */
export interface Row {
  readonly entry: MapEntry;
  readonly rank: number;
}

/** The key of a range: n is a power of two above i, so that n + i names it. */
export function rangeKey({ i, n }: ShardRange): number {
  return n + i;
}

/** The rows as ranges that do not overlap: for every slot the row that owns it, halves joined where one row owns both. */
export function resolveRows(rows: ReadonlyMap<number, Row>): Row[] {
  const inner = new Set<number>();
  for (const { entry } of rows.values()) {
    const { i, n: width } = entry.range;
    for (let n = width / 2; n >= 1 && !inner.has(n + shardOf(i, n)); n /= 2) inner.add(n + shardOf(i, n));
  }
  const owners: { range: ShardRange; owner: Row }[] = [];
  visit({ i: 0, n: 1 }, undefined);
  owners.sort((a, b) => rangeKey(a.range) - rangeKey(b.range));
  return owners.map(({ range, owner }) => {
    const { entry, rank } = owner;
    return rangeKey(range) === rangeKey(entry.range) ? owner : { entry: { ...entry, range }, rank };
  });

  /** Adds the owners within a range; the owner when one row owns it all. */
  function visit(range: ShardRange, above: Row | undefined): Row | undefined {
    const row = rows.get(rangeKey(range));
    const best = row !== undefined && (above === undefined || row.rank >= above.rank) ? row : above;
    if (!inner.has(rangeKey(range))) {
      if (best !== undefined) owners.push({ range, owner: best });
      return best;
    }
    const before = owners.length;
    const low = visit({ i: range.i, n: range.n * 2 }, best);
    const high = visit({ i: range.i + range.n, n: range.n * 2 }, best);
    if (low === undefined || low !== high) return undefined;
    owners.splice(before, owners.length - before, { range, owner: low });
    return low;
  }
}
