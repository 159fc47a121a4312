/** Unix time (ms), and a time (ms) of any origin that never steps. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** Runs a function once after `ms`; disposing what it returns prevents that. */
export interface Timers {
  after(ms: number, run: () => void): Disposable;
}
