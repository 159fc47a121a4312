/** Makes sure, for what needs no append, that this host still owns what it serves. */
export interface FenceCheck {
  /** Undefined when the lease is fresh; else resolves after a check of the journal that began after this call. */
  confirm(): Promise<void> | undefined;
  /**
   * A renewal that was sent at `sentMs` (monotonic) has been answered. After a lapse, in which others may have taken over,
   * it counts from the end of a check.
   */
  renewed(sentMs: number, ttlMs: number): void;
}

// A lease unrenewed for this part of its time proves nothing any more.
const freshPart = 0.75;

/** Makes the check of a host; `check` reads the journal's last EPOCHs and drops what is lost. */
export function makeFenceCheck(options: {
  readonly monotonicMs: () => number;
  readonly check: () => Promise<void>;
}): FenceCheck {
  const { monotonicMs, check } = options;
  let freshUntilMs = Number.NEGATIVE_INFINITY;
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
    confirm: () => (monotonicMs() < freshUntilMs ? undefined : fromNow()),
    renewed(sentMs, ttlMs) {
      const untilMs = sentMs + ttlMs * freshPart;
      const renew = (): void => {
        freshUntilMs = Math.max(freshUntilMs, untilMs);
      };
      if (sentMs < freshUntilMs) renew();
      // A check that fails leaves it lapsed, until the next renewal.
      else fromNow().then(renew, () => {});
    },
  };
}
