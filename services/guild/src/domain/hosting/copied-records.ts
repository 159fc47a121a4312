import type { TailRecord } from "@guildhall/proto";
import type { StoredRecord } from "./applier.ts";
import type { Shard } from "./shard.ts";

/** Records that a shard has stored since, until they are sent to the host that it moves to. */
export interface CopiedRecords extends Disposable {
  readonly size: number;
  /** Whether there were more than are kept: then some are missing. */
  readonly isOverrun: boolean;
  /** Takes the oldest, as many as fit a message. */
  take(): TailRecord[];
  /** Takes all; undefined when they do not fit a message. */
  takeAll(): TailRecord[] | undefined;
}

const maxKept = 100_000;
const maxKeptBytes = 64 * 1_048_576;
const maxTaken = 1_024;
const maxTakenBytes = 4 * 1_048_576;

/** Begins to copy. */
export function copyRecords(shard: Pick<Shard, "follow">): CopiedRecords {
  let kept: StoredRecord[] = [];
  let bytes = 0;
  let isOverrun = false;
  const following = shard.follow((stored) => {
    if (kept.length >= maxKept || bytes >= maxKeptBytes) isOverrun = true;
    if (isOverrun) return;
    kept.push(stored);
    bytes += sizeOf(stored);
  });
  const take = (): TailRecord[] => {
    let count = 0;
    let taken = 0;
    for (const stored of kept) {
      taken += sizeOf(stored);
      if (count >= maxTaken || (count > 0 && taken > maxTakenBytes)) break;
      count++;
    }
    const records = kept.slice(0, count);
    kept = kept.slice(count);
    for (const stored of records) bytes -= sizeOf(stored);
    return records;
  };
  return {
    get size() {
      return kept.length;
    },
    get isOverrun() {
      return isOverrun;
    },
    take,
    takeAll: () => (kept.length > maxTaken || bytes > maxTakenBytes ? undefined : take()),
    [Symbol.dispose]() {
      following[Symbol.dispose]();
      kept = [];
    },
  };
}

/** About what a record takes in a message: its event and its rows say the same. */
function sizeOf({ record }: StoredRecord): number {
  return record.event.length * 2 + record.result.length + 256;
}
