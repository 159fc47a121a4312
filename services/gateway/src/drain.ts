import type { Timers } from "@guildhall/lifecycle";
import { goingAway } from "./close-codes.ts";
import { reconnect } from "./session/payloads.ts";
import type { Connection } from "./transport/connection.ts";

/** What draining needs. */
export interface DrainPorts {
  readonly connections: ReadonlySet<Connection>;
  readonly timers: Timers;
  /** From 0 up to, and without, 1. */
  readonly random: () => number;
  /** All have been told by then. */
  readonly spreadMs: number;
  /** How long clients are given to close by themselves. */
  readonly graceMs: number;
}

/** Tells every client to reconnect, spread over a time so that they do not all come at once, then closes what is left. */
export async function drainConnections({ connections, timers, random, spreadMs, graceMs }: DrainPorts): Promise<void> {
  if (connections.size === 0) return;
  const pause = (ms: number) => new Promise<void>((resolve) => void timers.after(ms, resolve));
  const steps = Math.min(20, connections.size);
  const left = [...connections].sort(() => random() - 0.5);
  for (let step = 0; step < steps; step++) {
    const batch = left.splice(0, Math.ceil(left.length / (steps - step)));
    for (const connection of batch) connection.control(reconnect);
    if (left.length > 0) await pause((spreadMs / steps) * (0.5 + random()));
  }
  const checks = 10;
  for (let check = 0; check < checks && connections.size > 0; check++) await pause(graceMs / checks);
  for (const connection of [...connections]) connection.close(goingAway, "");
}
