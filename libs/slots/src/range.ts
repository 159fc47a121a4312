/** How many slots there are, for ever. */
export const slotCount = 65_536;

/** The slots that are i modulo n: `n` is a shard count, `i` from 0 to n - 1. */
export interface ShardRange {
  readonly i: number;
  readonly n: number;
}

const rangeText = /^(0|[1-9]\d{0,4})\/([1-9]\d{0,4})$/;

/** The slot (0 to 65,535) of a topic, from its id. */
export function slotOf(topic: bigint): number {
  return Number((topic >> 22n) & 0xffffn);
}

/** The number of the shard that holds a slot in a fleet of `n` shards, a power of two. */
export function shardOf(slot: number, n: number): number {
  return slot & (n - 1);
}

/** Whether `n` can be a number of shards: a power of two from 1 to 65,536. */
export function isShardCount(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= slotCount && (n & (n - 1)) === 0;
}

/** Whether a range is well formed. */
export function isRange({ i, n }: ShardRange): boolean {
  return isShardCount(n) && Number.isInteger(i) && i >= 0 && i < n;
}

/** Whether a slot lies in a range. */
export function rangeContains(range: ShardRange, slot: number): boolean {
  return shardOf(slot, range.n) === range.i;
}

/** Whether two ranges share a slot; then one holds the other. */
export function rangesOverlap(a: ShardRange, b: ShardRange): boolean {
  const n = Math.min(a.n, b.n);
  return shardOf(a.i, n) === shardOf(b.i, n);
}

/** Whether two ranges are the same slots. */
export function sameRange(a: ShardRange, b: ShardRange): boolean {
  return a.i === b.i && a.n === b.n;
}

/** The two halves (i, 2n) and (i + n, 2n). Throws RangeError for a range of one slot. */
export function splitRange({ i, n }: ShardRange): [ShardRange, ShardRange] {
  if (n >= slotCount) throw new RangeError(`${i}/${n} is a single slot and cannot be split`);
  return [
    { i, n: 2 * n },
    { i: i + n, n: 2 * n },
  ];
}

/** The range as text, "i/n"; also its key wherever ranges are kept by text. */
export function formatRange({ i, n }: ShardRange): string {
  return `${i}/${n}`;
}

/** The range that "i/n" names, or undefined when the text is not a well-formed range. */
export function parseRange(text: string): ShardRange | undefined {
  const match = rangeText.exec(text);
  if (match === null) return undefined;
  const range = { i: Number(match[1]), n: Number(match[2]) };
  return isRange(range) ? range : undefined;
}

/** The 17 ranges that hold a slot, from all slots (0, 1) down to the slot alone. */
export function rangesOfSlot(slot: number): ShardRange[] {
  const ranges: ShardRange[] = [];
  for (let n = 1; n <= slotCount; n *= 2) ranges.push({ i: shardOf(slot, n), n });
  return ranges;
}
