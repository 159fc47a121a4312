import type { HostGuards } from "./host-guards.ts";

/** Makes sure, for what needs no append, that this host still owns what it serves. */
export interface FenceCheck {
  /** Undefined when the lease is fresh; else resolves after a check of the journal that began after this call. */
  confirm(): Promise<void> | undefined;
  /**
   * A renewal that was sent at `sentMs` (monotonic) has been answered. After a lapse, in which others may have taken over,
   * it counts from the end of a check. With a TTL of 0 nothing counts until a later renewal: others may be taking over.
   */
  renewed(sentMs: number, ttlMs: number): void;
}

// A lease unrenewed for this part of its time proves nothing any more.
const freshPart = 0.75;

/** Makes the check of a host; `check` reads the journal's last EPOCHs and drops what is lost. */
export function makeFenceCheck(options: {
  readonly monotonicMs: () => number;
  readonly check: () => Promise<void>;
  readonly guards: Pick<HostGuards, "readCheck">;
}): FenceCheck {
  const { monotonicMs, check, guards } = options;
  let freshUntilMs = Number.NEGATIVE_INFINITY;
  // Rises with each revocation: what was promised before it counts no more.
  let revoked = 0;
  // Both cover several requests: `next` begins when `running` is through, so that it covers all who came meanwhile.
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const start = (): Promise<void> => {
    running = check().finally(() => {
      running = undefined;
    });
    return running;
  };

  const fromNow = (): Promise<void> => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => {})
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };

  return {
    confirm: () => (monotonicMs() < freshUntilMs || !guards.readCheck ? undefined : fromNow()),
    renewed(sentMs, ttlMs) {
      if (ttlMs === 0) {
        revoked++;
        freshUntilMs = Number.NEGATIVE_INFINITY;
        return;
      }
      const untilMs = sentMs + ttlMs * freshPart;
      const promised = revoked;
      const renew = (): void => {
        if (revoked === promised) freshUntilMs = Math.max(freshUntilMs, untilMs);
      };
      if (sentMs < freshUntilMs) renew();
      // A check that fails leaves it lapsed, until the next renewal.
      else fromNow().then(renew, () => {});
    },
  };
}
