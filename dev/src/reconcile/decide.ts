import type { Part } from "@guildhall/operator/plan";

/** A process that is there, as the reconciler sees it. */
export interface ProcessSeen {
  readonly name: string;
  readonly part: Part;
  readonly state: "stopped" | "starting" | "ready" | "waiting" | "stopping";
  /** It runs with other settings than are planned now. */
  readonly isStale: boolean;
  /** Stopped by somebody's hand, who will start it again. */
  readonly isHeld: boolean;
  /** Something is being done with it. */
  readonly isBusy: boolean;
}

/** A fleet at one moment. */
export interface FleetSeen {
  /** Names of the planned processes, in the order of start. */
  readonly planned: readonly string[];
  readonly processes: readonly ProcessSeen[];
  /** Hosts that are planned no more and own nothing, as the coordinator says of this very plan. */
  readonly removableHosts: readonly string[];
  readonly isPaused: boolean;
}

/** What is to be done with one process. */
export interface Action {
  /** "retire": stop and forget it. "renew": stop it, after its work went elsewhere, and start it with new settings. */
  readonly kind: "start" | "retire" | "renew";
  readonly name: string;
}

/**
 * What brings a fleet nearer to its plan now. Starts and retirements at once; renewals one by one, and only while
 * everything that ought to run is ready.
 */
export function decide({ planned, processes, removableHosts, isPaused }: FleetSeen): Action[] {
  if (isPaused) return [];
  const wanted = new Set(planned);
  const free = processes.filter(({ isBusy, isHeld }) => !isBusy && !isHeld);
  const starts = free.filter(({ name, state }) => wanted.has(name) && state === "stopped");
  const retired = free.filter(
    ({ name, part, state }) =>
      !wanted.has(name) && state !== "stopping" && (part !== "guild" || removableHosts.includes(name)),
  );
  return [
    ...starts.map(({ name }): Action => ({ kind: "start", name })),
    ...retired.map(({ name }): Action => ({ kind: "retire", name })),
    ...renewal(planned, processes, starts.length),
  ];
}

function renewal(planned: readonly string[], processes: readonly ProcessSeen[], starting: number): Action[] {
  const byName = new Map(processes.map((process) => [process.name, process]));
  const own = planned.flatMap((name) => byName.get(name) ?? []).filter(({ isHeld }) => !isHeld);
  const isSettled = starting === 0 && own.every(({ state, isBusy }) => state === "ready" && !isBusy);
  const stale = own.find(({ isStale }) => isStale);
  return isSettled && stale !== undefined ? [{ kind: "renew", name: stale.name }] : [];
}
