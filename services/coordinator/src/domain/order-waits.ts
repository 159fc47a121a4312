import type { HostKey } from "./hosts.ts";
import type { OrderRow } from "./kept.ts";
import type { Orders } from "./orders.ts";
import type { Timers } from "./time.ts";

/** Orders, and up to which they are given by this. */
export interface Given {
  readonly orders: readonly OrderRow[];
  readonly seen: number;
}

/** Hosts that wait for orders. */
export interface OrderWaits extends Disposable {
  /**
   * Resolves when there are orders for this incarnation that are later than `seen`, at the latest after `waitMs`, or
   * when the same host asks again.
   */
  wait(host: HostKey, seen: number, waitMs: number): Promise<Given>;
  /** There may be new orders. */
  wake(): void;
}

const maxWaitMs = 60_000;

interface Waiter extends HostKey {
  readonly seen: number;
  readonly answer: (given: Given) => void;
  readonly timer: Disposable;
}

/** Makes it; `orders` tells which there are. */
export function makeOrderWaits(orders: Orders, timers: Timers): OrderWaits {
  const waiters = new Map<string, Waiter>();

  function lookFor(host: HostKey, seen: number): Given | undefined {
    const later = orders.for(host).filter((order) => orders.numberOf(order) > seen);
    if (later.length === 0) return undefined;
    return { orders: later, seen: Math.max(...later.map((order) => orders.numberOf(order))) };
  }

  function answer(waiter: Waiter, given: Given): void {
    waiter.timer[Symbol.dispose]();
    if (waiters.get(waiter.host) === waiter) waiters.delete(waiter.host);
    waiter.answer(given);
  }

  return {
    async wait({ host, incarnation }, seen, waitMs) {
      const former = waiters.get(host);
      if (former !== undefined) answer(former, { orders: [], seen: former.seen });
      const now = lookFor({ host, incarnation }, seen);
      if (now !== undefined) return now;
      const { promise, resolve } = Promise.withResolvers<Given>();
      const timer = timers.after(Math.min(maxWaitMs, waitMs), () => answer(waiter, { orders: [], seen }));
      const waiter: Waiter = { host, incarnation, seen, answer: resolve, timer };
      waiters.set(host, waiter);
      return promise;
    },
    wake() {
      for (const waiter of [...waiters.values()]) {
        const given = lookFor(waiter, waiter.seen);
        if (given !== undefined) answer(waiter, given);
      }
    },
    [Symbol.dispose]() {
      for (const waiter of [...waiters.values()]) answer(waiter, { orders: [], seen: waiter.seen });
    },
  };
}
