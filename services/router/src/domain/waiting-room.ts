import { GuildhallError } from "@guildhall/errors";
import type { MapEntry } from "@guildhall/slots";
import type { Timers } from "./ports.ts";

/** How many requests may wait, and how many bytes they may hold. */
export interface WaitingLimits {
  readonly perShard: number;
  readonly perShardBytes: number;
  readonly total: number;
  readonly totalBytes: number;
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

/** Whether two entries are the same owner, reached at the same place. */
export function sameOwner(a: MapEntry | undefined, b: MapEntry | undefined): boolean {
  return a?.epoch === b?.epoch && a?.incarnation === b?.incarnation && a?.address === b?.address;
}

/** Makes an empty room. */
export function makeWaitingRoom({ timers, limits }: { timers: Timers; limits: WaitingLimits }): WaitingRoom {
  const waiters = new Set<Waiter>();
  const shards = new Map<string, Load>();
  const all: Load = { count: 0, bytes: 0 };

  function release(shard: string, load: Load, sizeBytes: number): void {
    for (const each of [load, all]) {
      each.count -= 1;
      each.bytes -= sizeBytes;
    }
    if (load.count === 0) shards.delete(shard);
  }

  function admit(shard: string, sizeBytes: number): Load {
    const load = shards.get(shard) ?? { count: 0, bytes: 0 };
    if (
      !hasRoom(load, sizeBytes, limits.perShard, limits.perShardBytes) ||
      !hasRoom(all, sizeBytes, limits.total, limits.totalBytes)
    ) {
      throw new GuildhallError("QUEUE_FULL", `too many requests wait for shard ${shard}`, { retryAfterMs });
    }
    shards.set(shard, load);
    for (const each of [load, all]) {
      each.count += 1;
      each.bytes += sizeBytes;
    }
    return load;
  }

  return {
    wait(wait) {
      const shard = shardKey(wait);
      const load = admit(shard, wait.sizeBytes);
      return new Promise((resolve) => {
        const leave = (): void => {
          if (!waiters.delete(waiter)) return;
          timer[Symbol.dispose]();
          release(shard, load, wait.sizeBytes);
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

/** Without an owner the shard is not known either: the slot stands for it. */
function shardKey({ slot, owner }: Wait): string {
  return owner === undefined ? `slot ${slot}` : `${owner.range.i}/${owner.range.n}`;
}

function hasRoom(load: Load, sizeBytes: number, count: number, bytes: number): boolean {
  return load.count < count && load.bytes + sizeBytes <= bytes;
}
