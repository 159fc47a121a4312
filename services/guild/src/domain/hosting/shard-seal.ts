import { GuildhallError } from "@guildhall/errors";
import type { HostStats } from "./host-stats.ts";

/*
 * States of a shard's seal:
 *
 *   open ──close()──▶ sealed ──lift()──▶ open
 *
 * While sealed nothing of the shard is decided, read, joined or refilled: it may have another owner at any moment. Whoever
 * comes waits, up to a bound, and when the seal is lifted looks for the shard anew, which may be gone by then.
 */

/** Holds up what comes for a shard while it changes hands. */
export interface ShardSeal {
  readonly isSealed: boolean;
  /** How many wait. */
  readonly waiting: number;
  close(): void;
  lift(): void;
  /** For what comes while sealed: resolves when it is over. Throws QUEUE_FULL when too much waits. */
  wait(sizeBytes: number): Promise<void>;
  /** For what is in the shard already; undefined while open. */
  whenOver(): Promise<void> | undefined;
}

/** How many shards of a host are sealed now. */
export interface SealCount {
  count: number;
}

/** What a seal works with. */
export interface SealOptions {
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly sealed: SealCount;
  readonly stats: HostStats;
}

/** Makes a seal, open. */
export function makeShardSeal({ maxRequests, maxBytes, sealed, stats }: SealOptions): ShardSeal {
  let over: PromiseWithResolvers<void> | undefined;
  let waiting = 0;
  let bytes = 0;
  return {
    get isSealed() {
      return over !== undefined;
    },
    get waiting() {
      return waiting;
    },
    close() {
      if (over !== undefined) return;
      over = Promise.withResolvers();
      sealed.count++;
    },
    lift() {
      if (over === undefined) return;
      sealed.count--;
      over.resolve();
      over = undefined;
      waiting = 0;
      bytes = 0;
    },
    async wait(sizeBytes) {
      if (over === undefined) return;
      if (waiting >= maxRequests || bytes + sizeBytes > maxBytes) {
        stats.queueFull++;
        throw new GuildhallError("QUEUE_FULL", "too much waits for a shard to change hands", { retryAfterMs: 100 });
      }
      waiting++;
      bytes += sizeBytes;
      stats.heldUp++;
      await over.promise;
    },
    whenOver: () => over?.promise,
  };
}
