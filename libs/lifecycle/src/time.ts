/** Time of a process. Passed to whatever needs it, so that tests and simulations own it. */
export interface Clock {
  /** Unix time in milliseconds, with fractions; never steps back. */
  nowMs(): number;
  /** Unix time in whole microseconds. */
  nowUs(): bigint;
  /** Milliseconds of any origin that pass evenly. */
  monotonicMs(): number;
}

/** Deferred work. Disposing what a call returns cancels it; disposing twice, or after it ran, does nothing. */
export interface Timers {
  /** Runs `work` once, `ms` milliseconds from now. */
  after(ms: number, work: () => void): Disposable;
  /** Runs `work` each `ms` milliseconds, the first time `ms` from now. */
  every(ms: number, work: () => void): Disposable;
}

const nowMs = () => performance.timeOrigin + performance.now();

/** Wall time at the start of the process plus monotonic time: a step of the machine's clock does not reach it. */
export const systemClock: Clock = {
  nowMs,
  nowUs: () => BigInt(Math.floor(nowMs() * 1_000)),
  monotonicMs: () => performance.now(),
};

/** The event loop's timers; they keep the process alive until they have run or are disposed. */
export const systemTimers: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
