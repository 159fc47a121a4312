/** Waits between starts of a process that keeps ending. */
export interface Backoff {
  /** How long (ms) to wait before the next start, after a process that ran for `upMs`. */
  next(upMs: number): number;
}

const firstMs = 100;
const mostMs = 5_000;
const steadyMs = 30_000;

/** Makes a backoff: 100 ms, doubled to at most 5 s, from the beginning again after a process that ran for 30 s. */
export function makeBackoff(): Backoff {
  let waitMs = firstMs;
  return {
    next(upMs) {
      if (upMs >= steadyMs) waitMs = firstMs;
      const now = waitMs;
      waitMs = Math.min(mostMs, waitMs * 2);
      return now;
    },
  };
}
