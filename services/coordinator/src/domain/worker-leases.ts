import { GuildhallError } from "@guildhall/errors";
import type { Clock } from "./time.ts";

/*
 * One worker id is
 *
 *   fresh    nobody ever had it
 *   leased   one incarnation of one process has it, until its lease lapses
 *   resting  lapsed less than `restMs` ago, or used for ids that are not `restMs` old yet
 *   rested   free again
 *
 * and moves
 *
 *   fresh, rested → leased    asked for without an id: fresh ones first, then the one whose ids are oldest
 *   leased → leased           renewed by its incarnation, or asked for again by it (the answer was lost)
 *   leased → resting          not renewed for `ttlMs`
 *   resting, rested → leased  renewed by its last incarnation: nobody else has had it since
 *   resting → rested          both times have passed
 *
 * All but fresh is kept over restarts. What happened in between is not known, so every lease counts as renewed at start.
 */

/**
 * How long a lease holds without renewal: as long as the coordinator may be away before processes stop making ids. Not
 * longer, since the bits of every process that was killed rest for it: 1,024 bits outlast a restart every 0.7 s.
 */
export const workerLeaseTtlMs = 600_000;
/** How long an id rests after its lease lapsed, and after the time of the last snowflake made with it. */
export const workerRestMs = 60_000;
/** Ten bits. */
export const workerIdCount = 1_024;

/** What is kept of a worker id: who had it last, and the highest time (Unix ms) of an id made with it. */
export interface WorkerRow {
  readonly workerId: number;
  readonly process: string;
  readonly incarnation: string;
  readonly highestTimeMs: number;
}

/** `workerId`: absent when asking for one, present when renewing. */
export interface WorkerAsk {
  readonly process: string;
  readonly incarnation: string;
  readonly workerId?: number;
  readonly highestTimeMs: number;
  /** Unix time as the process shows it; absent, 0 = it has followed nobody's yet. */
  readonly nowMs?: number;
}

/** How many worker ids are in which state. */
export interface WorkerCounts {
  readonly free: number;
  readonly leased: number;
  readonly resting: number;
}

/** The leases of worker ids. */
export interface WorkerLeases {
  /**
   * Leases or renews; returns the worker id. Throws GuildhallError WORKER_IDS_EXHAUSTED when none is free, FENCED when
   * another incarnation has the id that should be renewed, INVALID_FORM when that is no worker id.
   */
  lease(ask: WorkerAsk): number;
  counts(): WorkerCounts;
}

interface Lease {
  row: WorkerRow;
  /** Monotonic. */
  lapsesAtMs: number;
}

/** What leases are made of. `keep` is told of each changed row; an answer may go out only once that is durable. */
export interface WorkerLeaseParts {
  readonly clock: Clock;
  readonly rows: Iterable<WorkerRow>;
  readonly keep: (row: WorkerRow) => void;
}

/** Makes the leases from the rows that were kept. */
export function makeWorkerLeases({ clock, rows, keep }: WorkerLeaseParts): WorkerLeases {
  const leases = new Map<number, Lease>();
  const byIncarnation = new Map<string, number>();
  for (const row of rows) hold(row);

  function hold(row: WorkerRow): void {
    const before = leases.get(row.workerId);
    if (before !== undefined) byIncarnation.delete(before.row.incarnation);
    leases.set(row.workerId, { row, lapsesAtMs: clock.monotonicMs() + workerLeaseTtlMs });
    byIncarnation.set(row.incarnation, row.workerId);
  }

  function take(workerId: number, ask: WorkerAsk): number {
    const before = leases.get(workerId)?.row;
    const highestTimeMs = Math.max(before?.highestTimeMs ?? 0, ask.highestTimeMs);
    const row = { workerId, process: ask.process, incarnation: ask.incarnation, highestTimeMs };
    if (before?.incarnation !== row.incarnation || before.highestTimeMs !== highestTimeMs) keep(row);
    hold(row);
    return workerId;
  }

  const isLeased = ({ lapsesAtMs }: Lease): boolean => clock.monotonicMs() < lapsesAtMs;
  const isRested = ({ row, lapsesAtMs }: Lease): boolean =>
    clock.monotonicMs() >= lapsesAtMs + workerRestMs && clock.nowMs() >= row.highestTimeMs + workerRestMs;

  function findFree(): number | undefined {
    for (let id = 0; id < workerIdCount; id++) if (!leases.has(id)) return id;
    const rested = [...leases.values()].filter(isRested);
    rested.sort((a, b) => a.row.highestTimeMs - b.row.highestTimeMs || a.row.workerId - b.row.workerId);
    return rested[0]?.row.workerId;
  }

  function renew(workerId: number, ask: WorkerAsk): number {
    if (!Number.isInteger(workerId) || workerId < 0 || workerId >= workerIdCount) {
      throw new GuildhallError("INVALID_FORM", `${workerId} is not a worker id`);
    }
    const holder = leases.get(workerId)?.row;
    // No holder: this coordinator's state is younger than the lease. It is taken over as it is.
    if (holder === undefined || holder.incarnation === ask.incarnation) return take(workerId, ask);
    throw new GuildhallError(
      "FENCED",
      `worker id ${workerId} of ${ask.process} has been leased to ${holder.process} since`,
    );
  }

  return {
    lease(ask) {
      if (ask.workerId !== undefined) return renew(ask.workerId, ask);
      const workerId = byIncarnation.get(ask.incarnation) ?? findFree();
      if (workerId !== undefined) return take(workerId, ask);
      throw new GuildhallError("WORKER_IDS_EXHAUSTED", `all ${workerIdCount} worker ids are leased or resting`, {
        retryAfterMs: workerRestMs,
      });
    },
    counts() {
      const all = [...leases.values()];
      const leased = all.filter(isLeased).length;
      const resting = all.filter((lease) => !isLeased(lease) && !isRested(lease)).length;
      return { leased, resting, free: workerIdCount - leased - resting };
    },
  };
}
