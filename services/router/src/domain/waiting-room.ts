import { GuildhallError } from "@guildhall/errors";
import type { MapEntry } from "@guildhall/slots";
import type { Timers } from "./ports.ts";

/** How many requests may wait, and how many bytes they may hold. */
export interface Room {
  readonly count: number;
  readonly bytes: number;
}

/** What may wait: for one slot, so that a busy guild leaves room for others; for one host; in all. */
export interface WaitingLimits {
  readonly slot: Room;
  readonly host: Room;
  readonly all: Room;
}

/** One request that cannot go on now. */
interface Wait {
  readonly slot: number;
  /** The owner that did not serve it; undefined when none was known. */
  readonly owner: MapEntry | undefined;
  /** Also go on when that owner's stream comes up. */
  readonly forStream: boolean;
  readonly sizeBytes: number;
  readonly atMostMs: number;
}

/** Where requests wait for an owner, for a stream, or for a pause to pass; in order of coming. */
export interface WaitingRoom {
  /** Resolves when it is worth trying again, at the latest after `atMostMs`. Throws QUEUE_FULL when there is no room. */
  wait(wait: Wait): Promise<void>;
  /** Lets those go on whose slot has another owner now. */
  ownersChanged(ownerOf: (slot: number) => MapEntry | undefined): void;
  /** Lets those go on that wait for this host's stream. */
  streamUp(address: string): void;
  /** Lets all go on. */
  empty(): void;
  counts(): { readonly waiting: number; readonly bytes: number };
}

interface Waiter extends Wait {
  readonly leave: () => void;
}

interface Load {
  count: number;
  bytes: number;
}

const retryAfterMs = 1_000;

/** Whether two entries are the same owner at the same epoch, reached at the same place. */
export function sameOwner(a: MapEntry | undefined, b: MapEntry | undefined): boolean {
  return a?.epoch === b?.epoch && a?.incarnation === b?.incarnation && a?.address === b?.address;
}

/** Makes an empty room. */
export function makeWaitingRoom({ timers, limits }: { timers: Timers; limits: WaitingLimits }): WaitingRoom {
  const waiters = new Set<Waiter>();
  // By slots and by hosts, which stay what they are when shards are split and moved.
  const slots = new Map<number, Load>();
  const hosts = new Map<string, Load>();
  const all: Load = { count: 0, bytes: 0 };

  function admit({ slot, owner, sizeBytes }: Wait): () => void {
    const host = owner?.incarnation ?? "";
    const slotLoad = slots.get(slot) ?? { count: 0, bytes: 0 };
    const hostLoad = hosts.get(host) ?? { count: 0, bytes: 0 };
    assertRoom(slotLoad, sizeBytes, limits.slot, `slot ${slot}`);
    assertRoom(hostLoad, sizeBytes, limits.host, `host ${owner?.host ?? "(none known)"}`);
    assertRoom(all, sizeBytes, limits.all, "hosts");
    slots.set(slot, slotLoad);
    hosts.set(host, hostLoad);
    for (const load of [slotLoad, hostLoad, all]) grow(load, 1, sizeBytes);
    return () => {
      for (const load of [slotLoad, hostLoad, all]) grow(load, -1, -sizeBytes);
      if (slotLoad.count === 0) slots.delete(slot);
      if (hostLoad.count === 0) hosts.delete(host);
    };
  }

  return {
    wait(wait) {
      const release = admit(wait);
      return new Promise((resolve) => {
        const leave = (): void => {
          if (!waiters.delete(waiter)) return;
          timer[Symbol.dispose]();
          release();
          resolve();
        };
        const waiter: Waiter = { ...wait, leave };
        waiters.add(waiter);
        const timer = timers.after(wait.atMostMs, leave);
      });
    },
    ownersChanged(ownerOf) {
      for (const waiter of [...waiters]) if (!sameOwner(waiter.owner, ownerOf(waiter.slot))) waiter.leave();
    },
    streamUp(address) {
      for (const waiter of [...waiters]) if (waiter.forStream && waiter.owner?.address === address) waiter.leave();
    },
    empty() {
      for (const waiter of [...waiters]) waiter.leave();
    },
    counts: () => ({ waiting: all.count, bytes: all.bytes }),
  };
}

function grow(load: Load, count: number, bytes: number): void {
  load.count += count;
  load.bytes += bytes;
}

function assertRoom(load: Load, sizeBytes: number, { count, bytes }: Room, what: string): void {
  if (load.count < count && load.bytes + sizeBytes <= bytes) return;
  throw new GuildhallError("QUEUE_FULL", `too many requests wait for ${what}`, { retryAfterMs });
}
