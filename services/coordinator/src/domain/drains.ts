import type { Hosts } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { FleetSpec } from "./kept.ts";
import type { Mover } from "./mover.ts";
import type { Orders } from "./orders.ts";
import type { Shard } from "./ownership.ts";

/*
 * One host is
 *
 *   in use ──an operator drains it, the spec has it no more──▶ draining ──owns nothing──▶ empty
 *     ▲                                                          │
 *     └──cancelled, back in the spec, it runs in another incarnation
 *
 * A drain is not stopped by windows, differing versions or hosts that are missing: it is how those are mended.
 */

/** What drains go by. */
export interface DrainParts {
  readonly keeper: Keeper;
  readonly hosts: Hosts;
  readonly orders: Orders;
  readonly mover: Mover;
  readonly shards: () => readonly Shard[];
  readonly spec: () => FleetSpec;
  readonly isDraining: (host: string) => boolean;
  readonly eligible: () => readonly string[];
  readonly weightOf: (key: string) => number;
}

/** Empties hosts. */
export interface Drains {
  /** Begins what can be begun now. */
  steer(): void;
  /** How many shards a host owns, or is about to own. */
  shardsOf(host: string): number;
  /** Hosts that the spec does not have and that own nothing: they may be stopped. */
  removable(): readonly string[];
}

/** Makes them. */
export function makeDrains({
  keeper,
  hosts,
  orders,
  mover,
  shards,
  spec,
  isDraining,
  eligible,
  weightOf,
}: DrainParts): Drains {
  function shardsOf(host: string): number {
    return shards().filter(({ range, row }) => row?.host === host || orders.on(range)?.toHost === host).length;
  }

  /** The least loaded host that may have something; what is on its way counts. */
  function leastLoaded(): string | undefined {
    const sums = new Map<string, number>();
    for (const host of eligible()) if (hosts.current(host) !== undefined) sums.set(host, 0);
    for (const { range, key, row } of shards()) {
      const order = orders.on(range);
      const host = order !== undefined && order.kind !== "split" ? order.toHost : (row?.host ?? "");
      const sum = sums.get(host);
      if (sum !== undefined) sums.set(host, sum + weightOf(key));
    }
    return [...sums].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))[0]?.[0];
  }

  function drain(host: string): void {
    for (const { range, row } of shards()) {
      if (row?.host !== host || orders.on(range) !== undefined) continue;
      const to = leastLoaded();
      if (to === undefined || mover.running(host) >= spec().movesPerHost) return;
      if (mover.moveHindrance(range, to) === undefined) mover.move(range, to, "drain", `${host} is to be empty`);
    }
  }

  return {
    shardsOf,
    steer() {
      if (spec().paused) return;
      for (const { host } of hosts.alive()) if (isDraining(host)) drain(host);
    },
    removable() {
      const names = new Set([...keeper.rows("host").keys(), ...hosts.names()]);
      const wanted = new Set(spec().hosts);
      return [...names].filter((name) => !wanted.has(name) && shardsOf(name) === 0).sort();
    },
  };
}
