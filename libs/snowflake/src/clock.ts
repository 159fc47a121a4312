/** `wallAtStartMs`: Unix time (ms) when the process began. `monotonicMs`: time (ms) that never steps, of any origin. */
export interface SlewedClockOptions {
  readonly wallAtStartMs: number;
  readonly monotonicMs: () => number;
}

/** A clock in Unix time (ms, with fractions) that never steps back. */
export interface SlewedClock {
  nowMs(): number;
  /**
   * Follows a reference: `referenceMs` is what the reference's clock showed at `atMonotonicMs` (now when absent). The
   * difference is worked off at 5 % of the passing time; only a clock over 1 s behind steps, and forward.
   */
  slewTo(referenceMs: number, atMonotonicMs?: number): void;
}

const slewRate = 0.05;
const stepAboveMs = 1_000;

/** Makes a clock of the wall time at start plus monotonic time, to be slewed to the coordinator's. */
export function makeSlewedClock({ wallAtStartMs, monotonicMs }: SlewedClockOptions): SlewedClock {
  // From `since` on, the clock shows `base` + time passed + the part of `owed` that could be worked off by then.
  let since = monotonicMs();
  let base = wallAtStartMs;
  let owed = 0;

  const at = (monotonic: number): number => {
    const passed = Math.max(0, monotonic - since);
    const most = passed * slewRate;
    return base + passed + Math.max(-most, Math.min(most, owed));
  };

  return {
    nowMs: () => at(monotonicMs()),
    slewTo(referenceMs, atMonotonicMs) {
      const monotonic = Math.max(since, monotonicMs());
      const shown = at(monotonic);
      const difference = referenceMs + (monotonic - (atMonotonicMs ?? monotonic)) - shown;
      const step = difference > stepAboveMs;
      since = monotonic;
      base = step ? shown + difference : shown;
      owed = step ? 0 : difference;
    },
  };
}
