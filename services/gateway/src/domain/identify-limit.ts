/** One IDENTIFY per account and bucket in a time. With `max_concurrency` 1 every client shard is in bucket 0. */
export class IdentifyLimit {
  readonly #everyMs: number;
  readonly #lastMs = new Map<bigint, number>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** How long the account still has to wait (ms); 0 = it may now, which counts. */
  take(userId: bigint, nowMs: number): number {
    const last = this.#lastMs.get(userId);
    if (last !== undefined && nowMs - last < this.#everyMs) return this.#everyMs - (nowMs - last);
    this.#lastMs.delete(userId);
    this.#lastMs.set(userId, nowMs);
    this.#forget(nowMs);
    return 0;
  }

  /** The map is in order of time: only its first entries can be old. */
  #forget(nowMs: number): void {
    for (const [userId, last] of this.#lastMs) {
      if (nowMs - last < this.#everyMs) return;
      this.#lastMs.delete(userId);
    }
  }
}
