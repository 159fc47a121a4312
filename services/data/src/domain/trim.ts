import { type EpochRow, makeShardMap, rangeContains, type ShardRange, splitRange } from "@guildhall/slots";

/** Records that were written less than this before the newest one of their shard are never trimmed: 5 minutes. */
const retryWindowUs = 5n * 60n * 1_000_000n;

/** A record as trimming sees it. */
export interface TrimCandidate {
  readonly position: bigint;
  readonly slot: number;
  readonly ts: bigint;
}

/** What may go: of `range`, records up to `position` with a `ts` below `beforeTs`. */
export interface TrimRule {
  readonly range: ShardRange;
  readonly position: bigint;
  readonly beforeTs: bigint;
}

/** First and last position of records that go. */
export type Span = readonly [bigint, bigint];

/** The ranges that own all slots taken, each for itself: the halves of a split count apart. */
export function owningRanges(rows: readonly EpochRow[]): readonly ShardRange[] {
  const map = makeShardMap();
  const entries = rows.flatMap(({ range, split, epoch, host, incarnation }) =>
    (split ? splitRange(range) : [range]).map((part) => ({ range: part, epoch, host, incarnation, address: "" })),
  );
  map.apply({ version: 1, entries: highestOfEach(entries) });
  return map.entries().map(({ range }) => range);
}

function highestOfEach<E extends { readonly range: ShardRange; readonly epoch: number }>(entries: readonly E[]): E[] {
  const highest = new Map<number, E>();
  for (const entry of entries) {
    const key = entry.range.n + entry.range.i;
    const known = highest.get(key);
    if (known === undefined || known.epoch < entry.epoch) highest.set(key, entry);
  }
  return [...highest.values()];
}

/** Before when records of a shard may go: older than `keepUs`, and than the retry window before its newest record. */
export function trimBefore(nowUs: bigint, keepUs: bigint, newestTs: bigint): bigint {
  const byAge = nowUs - keepUs;
  const byNewest = newestTs - retryWindowUs;
  return byAge < byNewest ? byAge : byNewest;
}

/** From when on a shard's request ids are told: `sinceTs`, or the retry window before its newest record. */
export function retriesFrom(sinceTs: bigint, newestTs: bigint): bigint {
  const byNewest = newestTs - retryWindowUs;
  if (byNewest >= sinceTs) return sinceTs;
  return byNewest > 0n ? byNewest : 0n;
}

/**
 * Which of these records go, as parts of at most about `partRecords` records, each a list of spans. `end`: from here on
 * all records are too young, as `ts` rises with the position but for the skew of clocks.
 */
export function spansToTrim(
  records: readonly TrimCandidate[],
  rules: readonly TrimRule[],
  partRecords: number,
): { readonly spans: readonly (readonly Span[])[]; readonly end: boolean } {
  let newest = 0n;
  for (const { beforeTs } of rules) if (beforeTs > newest) newest = beforeTs;
  const parts: [bigint, bigint][][] = [];
  let size = partRecords;
  let span: [bigint, bigint] | undefined;
  for (const { position, slot, ts } of records) {
    if (ts >= newest) return { spans: parts, end: true };
    const rule = rules.find(({ range }) => rangeContains(range, slot));
    if (rule === undefined || position > rule.position || ts >= rule.beforeTs) {
      span = undefined;
      continue;
    }
    if (size >= partRecords) {
      parts.push([]);
      size = 0;
      span = undefined;
    }
    if (span === undefined) {
      span = [position, position];
      parts.at(-1)?.push(span);
    } else span[1] = position;
    size += 1;
  }
  return { spans: parts, end: false };
}
