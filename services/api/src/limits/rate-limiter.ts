/** So many requests in a window of time that begins with the first of them. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/** What came of a request to take. */
export interface Taken {
  readonly allowed: boolean;
  /** How many more the window allows. */
  readonly remaining: number;
  /** When the window ends, in Unix time (ms). */
  readonly resetAtMs: number;
}

/** Counts requests by key. A key is always used with the same limit. */
export interface RateLimiter extends AsyncDisposable {
  /**
   * Takes `cost` (1) from the key's window. What is not allowed takes nothing. A cost of 0 asks whether one more would
   * be allowed.
   */
  take(key: string, limit: RateLimit, cost?: number): Taken | Promise<Taken>;
}
