import { formatRange, isRange, rangesOfSlot, type ShardRange, sameRange, slotCount, splitRange } from "./range.ts";

/**
 * What tells one taken EPOCH from all others. The epoch alone would not: a writer that lost names the right number and
 * the wrong winner.
 */
export interface EpochKey {
  readonly range: ShardRange;
  readonly split: boolean;
  readonly epoch: number;
  readonly incarnation: string;
  readonly moveId: string;
}

/**
 * An EPOCH as the journal keeps it: `host` in its `incarnation` owns `range` at `epoch`. With `split`, both halves of the
 * range are owned, each for itself, from then on. `moveId` names the order that led to it.
 */
export interface EpochRow extends EpochKey {
  readonly host: string;
}

/** An EPOCH to be decided; `prev` is the last one taken that its writer knows of, undefined for the first ever. */
export interface EpochAsk extends EpochRow {
  readonly prev: EpochKey | undefined;
}

/** The outcome; `winner` is the last one taken, undefined when there is none. */
export type EpochDecision = { readonly taken: true } | { readonly taken: false; readonly winner: EpochRow | undefined };

/** Whether two keys name the same EPOCH. */
export function sameEpoch(a: EpochKey, b: EpochKey): boolean {
  return (
    a.epoch === b.epoch &&
    a.split === b.split &&
    a.incarnation === b.incarnation &&
    a.moveId === b.moveId &&
    sameRange(a.range, b.range)
  );
}

/**
 * Decides an EPOCH in slot `ask.range.i`, whose last one taken is `last`. Taken: the first ever, with epoch 1 and no
 * prev; or one that names `last` as its prev, with the next epoch and the same range, or one half of it when `last` is a
 * split (the whole would overrule the other half, which is decided elsewhere by then). Asking again for what was taken
 * last is taken again. All else is refused whole.
 */
export function decideEpoch(last: EpochRow | undefined, ask: EpochAsk): EpochDecision {
  if (last !== undefined && sameEpoch(last, ask) && last.host === ask.host) return { taken: true };
  if (isWellFormed(ask) && follows(last, ask)) return { taken: true };
  return { taken: false, winner: last };
}

/**
 * The fence of a slot: the highest epoch among the at most 17 rows whose range holds it; 0 when there is none. Rows are
 * given by the text of their range ("i/n"), or by a function of the range.
 */
export function highestFence(
  rows: ReadonlyMap<string, number> | ((range: ShardRange) => number | undefined),
  slot: number,
): number {
  let highest = 0;
  for (const range of rangesOfSlot(slot)) {
    const epoch = typeof rows === "function" ? rows(range) : rows.get(formatRange(range));
    if (epoch !== undefined && epoch > highest) highest = epoch;
  }
  return highest;
}

function isWellFormed(ask: EpochAsk): boolean {
  return isRange(ask.range) && !(ask.split && ask.range.n === slotCount);
}

function follows(last: EpochRow | undefined, ask: EpochAsk): boolean {
  if (last === undefined) return ask.prev === undefined && ask.epoch === 1;
  if (ask.prev === undefined || !sameEpoch(ask.prev, last) || ask.epoch !== last.epoch + 1) return false;
  if (!last.split) return sameRange(ask.range, last.range);
  return splitRange(last.range).some((half) => sameRange(half, ask.range));
}
