import type { Clock, Timers } from "@guildhall/lifecycle";

/** Time that passes only when told to. */
export interface ManualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Lets `ms` pass: runs what falls due, in order of time, each with the clock at its own time. */
  advance(ms: number): void;
  /** As `advance`, but after each timer lets the promises that it settled run on. */
  advanceAsync(ms: number): Promise<void>;
  /** Timers waiting. */
  pending(): number;
}

interface Entry {
  atMs: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly work: () => void;
}

const turnsAfterTimer = 20;

/** Makes a clock and timers for tests; Unix time begins at `startMs`. */
export function makeManualTime({ startMs = 1_760_000_000_000 }: { readonly startMs?: number } = {}): ManualTime {
  const entries = new Set<Entry>();
  let passedMs = 0;
  let made = 0;

  const add = (ms: number, everyMs: number | undefined, work: () => void): Disposable => {
    made += 1;
    const entry: Entry = { atMs: passedMs + Math.max(0, ms), order: made, everyMs, work };
    entries.add(entry);
    return { [Symbol.dispose]: () => void entries.delete(entry) };
  };
  const nextDue = (untilMs: number): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (entry.atMs > untilMs) continue;
      if (!first || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    }
    return first;
  };
  const run = (entry: Entry): void => {
    passedMs = Math.max(passedMs, entry.atMs);
    if (entry.everyMs === undefined) entries.delete(entry);
    else entry.atMs = passedMs + Math.max(1, entry.everyMs);
    entry.work();
  };

  return {
    clock: {
      nowMs: () => startMs + passedMs,
      nowUs: () => BigInt(Math.floor((startMs + passedMs) * 1_000)),
      monotonicMs: () => passedMs,
    },
    timers: {
      after: (ms, work) => add(ms, undefined, work),
      every: (ms, work) => add(ms, ms, work),
    },
    advance(ms) {
      const untilMs = passedMs + ms;
      for (let entry = nextDue(untilMs); entry; entry = nextDue(untilMs)) run(entry);
      passedMs = untilMs;
    },
    async advanceAsync(ms) {
      const untilMs = passedMs + ms;
      await turns();
      for (let entry = nextDue(untilMs); entry; entry = nextDue(untilMs)) {
        run(entry);
        await turns();
      }
      passedMs = untilMs;
    },
    pending: () => entries.size,
  };
}

/** Lets chains of promises that need no I/O run to their end. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < turnsAfterTimer; turn += 1) await Promise.resolve();
}
