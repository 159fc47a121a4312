/** Counts events in windows of fixed length that begin with their first event. */
export class RateWindow {
  #startMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** Counts one more; returns how many that makes in its window. */
  add(nowMs: number, windowMs: number): number {
    if (nowMs - this.#startMs >= windowMs) {
      this.#startMs = nowMs;
      this.#count = 0;
    }
    return ++this.#count;
  }
}
