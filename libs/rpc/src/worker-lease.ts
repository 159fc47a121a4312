import { randomUUID } from "node:crypto";
import { type Clock, systemClock, systemTimers, type Timers } from "@guildhall/lifecycle";
import { makeBackoff } from "./backoff.ts";
import { makeWorkerLease, type WorkerLease } from "./lease.ts";
import type { CoordinatorClient } from "./service-clients.ts";

/** Who leases. */
export interface WorkerLeaseOptions {
  /** E.g. "api-0". */
  readonly process: string;
  /** Random per start of the process; default: made here. */
  readonly incarnation?: string;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** Ends the first leasing, which else goes on until the coordinator answers. */
  readonly signal?: AbortSignal;
}

/** Leases worker bits, waiting for the coordinator as long as it takes, and keeps them. */
export function createWorkerLease(
  coordinator: Pick<CoordinatorClient, "call">,
  { clock = systemClock, timers = systemTimers, incarnation = randomUUID(), process, signal }: WorkerLeaseOptions,
): Promise<WorkerLease> {
  return makeWorkerLease(
    {
      ...{ process, incarnation, clock, timers },
      backoff: makeBackoff(Math.random),
      ask: (ask, options) => coordinator.call("leaseWorkerId", ask, options),
    },
    signal,
  );
}
