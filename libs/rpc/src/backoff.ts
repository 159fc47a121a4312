/** Waits between attempts: 50 ms, doubling to 2 s, each cut by up to half at random so that clients spread. */
export interface Backoff {
  nextMs(): number;
  reset(): void;
}

const firstMs = 50;
const mostMs = 2_000;

/** Makes a backoff; `random` gives [0, 1). */
export function makeBackoff(random: () => number): Backoff {
  let attempt = 0;
  return {
    nextMs() {
      const ms = Math.min(mostMs, firstMs * 2 ** attempt);
      attempt = Math.min(attempt + 1, 16);
      return ms * (1 - random() / 2);
    },
    reset() {
      attempt = 0;
    },
  };
}
