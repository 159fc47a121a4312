import type { UserServiceWatchRevocationsResponse as Notice } from "@guildhall/proto";

/** A watcher that lags this many notices behind is cut off; it comes back with an empty cache. */
const pendingLimit = 1024;

/** One watching process, as this service sees it. */
export interface RevocationWatcher {
  /** Returns false when the transport is full. */
  readonly send: (notice: Notice) => boolean;
  readonly cut: () => void;
}

/** Tells every watcher which token hashes stopped being valid; a beat shows that nothing was missed. */
export interface Revocations {
  revoke(tokenHashes: readonly Uint8Array[]): void;
  beat(): void;
  /** Returns the function that ends the watch, and one to call when the transport has room again. */
  watch(watcher: RevocationWatcher): { readonly end: () => void; readonly drained: () => void };
  readonly watchers: () => number;
}

/** Bounded: a watcher too slow to follow is cut rather than buffered for. */
export function makeRevocations(): Revocations {
  const states = new Set<{ watcher: RevocationWatcher; full: boolean; pending: Notice[] }>();

  function tell(notice: Notice): void {
    for (const state of states) {
      if (!state.full) {
        state.full = !state.watcher.send(notice);
      } else if (state.pending.length < pendingLimit) {
        state.pending.push(notice);
      } else {
        states.delete(state);
        state.watcher.cut();
      }
    }
  }

  return {
    revoke(tokenHashes) {
      if (tokenHashes.length > 0) tell({ tokenHashes: tokenHashes.map((hash) => Buffer.from(hash)) });
    },
    beat: () => tell({ tokenHashes: [] }),
    watch(watcher) {
      const state = { watcher, full: false, pending: [] as Notice[] };
      states.add(state);
      state.full = !watcher.send({ tokenHashes: [] });
      return {
        end: () => states.delete(state),
        drained() {
          state.full = false;
          while (!state.full && state.pending.length > 0) {
            const next = state.pending.shift();
            if (next !== undefined) state.full = !watcher.send(next);
          }
        },
      };
    },
    watchers: () => states.size,
  };
}
