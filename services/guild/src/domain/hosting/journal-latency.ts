/** How long the journal lately took to commit; where it does not say, to answer. */
export interface JournalLatency {
  note(tookMs: number): void;
  /** Of the answers of the last 10 s all but one in 100 (of fewer: all but one) came within this; 0 when there was none. */
  p99Ms(): number;
}

const windowMs = 10_000;
const maxKept = 4_096;

/** Makes it, without answers. Only the newest 4,096 answers are looked at. */
export function makeJournalLatency({ monotonicMs }: { readonly monotonicMs: () => number }): JournalLatency {
  const times = new Float64Array(maxKept);
  const tooks = new Float64Array(maxKept);
  let noted = 0;
  return {
    note(tookMs) {
      const place = noted % maxKept;
      times[place] = monotonicMs();
      tooks[place] = tookMs;
      noted++;
    },
    p99Ms() {
      const sinceMs = monotonicMs() - windowMs;
      const kept = Math.min(noted, maxKept);
      const recent = tooks.subarray(0, kept).filter((_, place) => (times[place] as number) >= sinceMs);
      if (recent.length === 0) return 0;
      recent.sort();
      return recent[Math.max(0, Math.floor(recent.length * 0.99) - 1)] as number;
    },
  };
}
