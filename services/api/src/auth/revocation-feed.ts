import type { Clock, Timers } from "@guildhall/lifecycle";

/** One stream of revocations, as a client opens it. */
interface RevocationStream {
  close(): void;
}

/** What happens on a stream: hashes (none = a beat), or its end. */
export interface RevocationEvents {
  readonly onHashes: (tokenHashes: readonly Uint8Array[]) => void;
  readonly onEnd: () => void;
}

/** Opens a stream to one `user` process. */
export type OpenRevocations = (address: string, events: RevocationEvents) => RevocationStream;

/** What a feed needs. */
export interface RevocationFeedOptions {
  readonly addresses: readonly string[];
  readonly open: OpenRevocations;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onRevoked: (tokenHashes: readonly Uint8Array[]) => void;
  /** A stream began anew: revocations may have been missed. */
  readonly onGap: () => void;
}

/** Follows the revocations of every `user` process for as long as it is not disposed. */
export interface RevocationFeed extends Disposable {
  /** Whether each stream has been heard of within the last second. */
  isAlive(): boolean;
}

const staleAfterMs = 1000;
/** A stream that says nothing for so long is given up: its end may never be told. */
const silentAfterMs = 3000;
const firstRetryMs = 50;
const lastRetryMs = 1000;

/** Opens the streams, and opens each anew whenever it ends. */
export function makeRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  const watches = options.addresses.map((address) => makeWatch(address, options));
  return {
    isAlive: () => watches.every((watch) => watch.isAlive()),
    [Symbol.dispose]() {
      for (const watch of watches) watch[Symbol.dispose]();
    },
  };
}

function makeWatch(address: string, { open, clock, timers, onRevoked, onGap }: RevocationFeedOptions): RevocationFeed {
  let heardAtMs = Number.NEGATIVE_INFINITY;
  let retryMs = firstRetryMs;
  let stream: RevocationStream | undefined;
  let next: Disposable | undefined;

  const hear = (tokenHashes: readonly Uint8Array[]): void => {
    // What was cached while nobody listened is not to be believed.
    if (heardAtMs === Number.NEGATIVE_INFINITY) onGap();
    heardAtMs = clock.monotonicMs();
    retryMs = firstRetryMs;
    if (tokenHashes.length > 0) onRevoked(tokenHashes);
  };
  const endIfSilent = (sinceMs: number, end: () => void): void => {
    const silentMs = clock.monotonicMs() - Math.max(sinceMs, heardAtMs);
    if (silentMs >= silentAfterMs) end();
    else next = timers.after(silentAfterMs - silentMs, () => endIfSilent(sinceMs, end));
  };
  const start = (): void => {
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      heardAtMs = Number.NEGATIVE_INFINITY;
      opened.close();
      next?.[Symbol.dispose]();
      next = timers.after(retryMs, start);
      retryMs = Math.min(lastRetryMs, retryMs * 2);
    };
    const opened = open(address, { onHashes: (tokenHashes) => !ended && hear(tokenHashes), onEnd: end });
    stream = opened;
    endIfSilent(clock.monotonicMs(), end);
  };
  start();
  return {
    isAlive: () => clock.monotonicMs() - heardAtMs <= staleAfterMs,
    [Symbol.dispose]() {
      next?.[Symbol.dispose]();
      stream?.close();
    },
  };
}
