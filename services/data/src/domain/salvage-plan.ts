import {
  type EpochRow,
  formatRange,
  highestFence,
  rangeContains,
  rangesOverlap,
  type ShardRange,
  slotOf,
} from "@guildhall/slots";
import { owningRanges } from "./trim.ts";

/** Seqs from one to another, both included. */
export interface SeqRun {
  readonly from: bigint;
  readonly to: bigint;
}

/** What is known of a topic when its journal was found damaged. */
export interface TopicFindings {
  /** Records that are whole, as runs in ascending order that do not touch. */
  readonly present: readonly SeqRun[];
  /** The last seq by the topic's head; 0 = no head can be read. */
  readonly headSeq: bigint;
  /** The last seq that is known to have been committed, by what is kept beside the journal; 0 = nothing said. */
  readonly markedSeq: bigint;
  /** Up to here the store has it; undefined = the store cannot be asked. */
  readonly appliedSeq: bigint | undefined;
}

/** What a topic is made of again. */
export interface TopicPlan {
  /** Its last seq; 0 = nothing is known of it. */
  readonly end: bigint;
  /** Records below it are of no use: something before the store's seq is missing between them and the rest. */
  readonly keepFrom: bigint;
  /** Gone for good, and not in the store. Empty records take their places, so that seqs go on without a gap. */
  readonly lost: readonly SeqRun[];
  /** As `lost`, but too many for that: the store is gone or far too old, and the topic cannot be used without it. */
  readonly beyond: readonly SeqRun[];
  /** The end is neither a record nor a head that can be read: an empty record after it tells where the topic is. */
  readonly needsNewEnd: boolean;
  /** The head said something that cannot be. */
  readonly headIgnored: boolean;
}

/** More than this were never lost at once: a head that says so is damaged itself. */
const mostLost = 100_000n;

/** Decides what becomes of a topic. */
export function planTopic({ present, headSeq, markedSeq, appliedSeq }: TopicFindings): TopicPlan {
  const lastPresent = present.at(-1)?.to ?? 0n;
  const known = [lastPresent, markedSeq, appliedSeq ?? 0n].reduce((a, b) => (a > b ? a : b));
  const headIgnored = headSeq > known + mostLost;
  const end = headIgnored || headSeq < known ? known : headSeq;
  // The store has what is before. Without it, what was there before the first record that is left was trimmed, one hopes.
  const needed = appliedSeq === undefined ? (present[0]?.from ?? end + 1n) : appliedSeq + 1n;
  const gaps = gapsIn(present, needed, end);
  const lastWide = gaps.findLastIndex(({ from, to }) => to - from >= mostLost);
  const start = gaps[lastWide] === undefined ? needed : gaps[lastWide].to + 1n;
  const inFront = present.find(({ from, to }) => from < start && to >= start - 1n);
  const isEndThere = end >= needed || end === lastPresent;
  return {
    end,
    keepFrom: inFront?.from ?? start,
    lost: gaps.slice(lastWide + 1),
    beyond: appliedSeq === undefined ? [] : gaps.slice(0, lastWide + 1),
    needsNewEnd: end > 0n && !isEndThere && headSeq !== end,
    headIgnored,
  };
}

/** What the runs leave out of `from` to `to`. */
function gapsIn(runs: readonly SeqRun[], from: bigint, to: bigint): SeqRun[] {
  const gaps: SeqRun[] = [];
  let next = from;
  for (const run of runs) {
    if (run.to < next) continue;
    if (run.from > to) break;
    if (run.from > next) gaps.push({ from: next, to: run.from - 1n });
    next = run.to + 1n;
  }
  if (next <= to) gaps.push({ from: next, to });
  return gaps;
}

/** Who owned what, by all that can still be read. */
export interface EpochFindings {
  /** Rows of the journal and of its copy. */
  readonly rows: readonly EpochRow[];
  /** Fences of the store. */
  readonly fences: readonly { readonly range: ShardRange; readonly epoch: number }[];
  /** Epochs of records, by topic. */
  readonly records: Iterable<{ readonly topic: bigint; readonly epoch: number }>;
}

/** The EPOCH rows again; `made` are those that stand for rows that are gone. */
export interface EpochPlan {
  readonly rows: readonly EpochRow[];
  readonly made: readonly EpochRow[];
}

/** Above any epoch that a host may have taken and nobody remembers: nobody writes by that one again. */
const epochMargin = 1_000;

/** Of every range the highest row; where something was written at a higher epoch, a row that belongs to nobody, above all. */
export function planEpochs({ rows, fences, records }: EpochFindings): EpochPlan {
  const byRange = new Map<string, EpochRow>();
  for (const row of rows) {
    const key = formatRange(row.range);
    if (row.epoch > (byRange.get(key)?.epoch ?? 0)) byRange.set(key, row);
  }
  const made = new Map<string, EpochRow>();
  const fenceOf = (slot: number): number => highestFence((range) => byRange.get(formatRange(range))?.epoch, slot);
  const make = (range: ShardRange, epoch: number): void => {
    const key = formatRange(range);
    const nobody = { host: "", incarnation: "lost", moveId: `salvaged-${key}-${epoch}` };
    const row: EpochRow = { range, split: false, epoch: epoch + epochMargin, ...nobody };
    byRange.set(key, row);
    made.set(key, row);
  };
  /** The parts of a range that are owned each for itself, by the rows there are; the range when nobody owns it. */
  const partsOf = (range: ShardRange): readonly ShardRange[] => {
    const parts = owningRanges([...byRange.values()]).filter((part) => rangesOverlap(part, range));
    return parts.length === 0 ? [range] : parts.map((part) => (part.n > range.n ? part : range));
  };
  for (const { range, epoch } of fences) {
    for (const part of partsOf(range)) if (fenceOf(part.i) < epoch) make(part, epoch);
  }
  for (const { topic, epoch } of records) {
    const slot = slotOf(topic);
    if (fenceOf(slot) >= epoch) continue;
    const owned = owningRanges([...byRange.values()]).find((range) => rangeContains(range, slot));
    make(owned ?? { i: 0, n: 1 }, epoch);
  }
  return { rows: [...byRange.values()], made: [...made.values()] };
}
