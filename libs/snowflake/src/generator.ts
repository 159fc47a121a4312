import { GuildhallError } from "@guildhall/errors";
import { type Snowflake, smallestIdAt, timestampMsOf } from "./snowflake.ts";

/**
 * `workerId`: 0 to 1023, leased to this process alone. `nowMs`: Unix time (ms), the process's slewed clock. `reportedMs`:
 * the time (Unix ms) up to which the coordinator has been told that ids are made; default: never.
 */
export interface IdGeneratorOptions {
  readonly workerId: number;
  readonly nowMs: () => number;
  readonly reportedMs?: () => number;
}

/** The one source of ids of a process. */
export interface IdGenerator {
  /**
   * The smallest id with this worker's bits that is above all it has given, above `above` (the topic's last id) and not
   * before now. Throws GuildhallError ID_CLOCK_AHEAD, and gives nothing, when that lies over 30 s ahead of now and of what
   * has been reported: who leases the bits after this process must know how far it went.
   */
  next(above?: Snowflake): Snowflake;
  /** The time (Unix ms) of the highest id given so far, to be reported with the lease's renewal; 0 before the first. */
  highestTimeMs(): number;
}

const maxAheadMs = 30_000;
const workerCount = 1024;

/** Makes the generator of a process. Throws GuildhallError BAD_CONFIG when the worker id is out of range. */
export function makeIdGenerator({ workerId, nowMs, reportedMs = () => 0 }: IdGeneratorOptions): IdGenerator {
  if (!Number.isInteger(workerId) || workerId < 0 || workerId >= workerCount) {
    throw new GuildhallError("BAD_CONFIG", `worker id ${workerId} is not within 0 to ${workerCount - 1}`);
  }
  const worker = BigInt(workerId);
  let last: Snowflake | undefined;
  return {
    next(above) {
      const now = Math.floor(nowMs());
      let least = smallestIdAt(now);
      if (last !== undefined && last >= least) least = last + 1n;
      if (above !== undefined && above >= least) least = above + 1n;
      const id = smallestOfWorker(least, worker);
      const aheadMs = timestampMsOf(id) - Math.max(now, reportedMs());
      if (aheadMs > maxAheadMs) {
        throw new GuildhallError("ID_CLOCK_AHEAD", `the next id would lie ${aheadMs} ms ahead`);
      }
      last = id;
      return id;
    },
    highestTimeMs: () => (last === undefined ? 0 : timestampMsOf(last)),
  };
}

/** The smallest id that is at least `least` and carries the worker's bits. */
function smallestOfWorker(least: Snowflake, worker: bigint): Snowflake {
  const leastWorker = (least >> 12n) & 0x3ffn;
  if (leastWorker === worker) return least;
  const time = least >> 22n;
  return ((leastWorker < worker ? time : time + 1n) << 22n) | (worker << 12n);
}
