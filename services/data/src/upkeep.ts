import type { Clock, Timers } from "@guildhall/lifecycle";
import type { Pausable } from "./backup.ts";
import type { DataConfig } from "./config.ts";
import { owningRanges, trimBefore } from "./domain/trim.ts";
import type { DataEvents } from "./events.ts";
import type { Journal } from "./store/journal.ts";
import type { Store } from "./store/store.ts";

/** Rounds of forgetting in one run; each is bounded by the store. */
const forgetRounds = 20;
const upkeepMs = 30_000;
/** A host that takes a shard over reads events from the journal for sessions that may be resumed until the window's end. */
const beyondWindowMs = 5 * 60_000;

/** Upkeep that goes on until it is disposed of. */
export type Upkeep = AsyncDisposable & Pausable;

/**
 * Trims the journal: what is applied to the store for good, older than `keepMs`, and older than 5 minutes before its
 * shard's newest record. Returns how many records went.
 */
export async function trimJournal(
  { journal, store, clock }: { readonly journal: Journal; readonly store: Store; readonly clock: Clock },
  keepMs: number,
): Promise<number> {
  const ranges = owningRanges(await journal.readEpochs({ i: 0, n: 1 }));
  const nowUs = clock.nowUs();
  const marks = [];
  for (const range of ranges) {
    const { position } = await store.readWatermark(range);
    const beforeTs = trimBefore(nowUs, BigInt(keepMs) * 1_000n, journal.newestTs(range));
    if (position > 0n && beforeTs > 0n) marks.push({ range, position, beforeTs });
  }
  if (marks.length === 0) return 0;
  // The store's commits may still be in memory only; after this the watermarks just read are on disk.
  await store.sync();
  return journal.trim(marks);
}

/** Forgets rows deleted longer than `keepMs` ago: no replay reaches back that far. Returns how many went. */
export async function forgetDeleted(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  keepMs: number,
): Promise<number> {
  const beforeTs = clock.nowUs() - BigInt(keepMs) * 1_000n;
  let forgotten = 0;
  for (let round = 0; round < forgetRounds; round += 1) {
    const rows = await store.forgetDeleted(beforeTs);
    forgotten += rows;
    if (rows === 0) break;
  }
  return forgotten;
}

/** Trims journal and tombstones from time to time. */
export function startUpkeep(
  { journalKeepMs, resumeWindowMs, tombstoneKeepMs }: DataConfig,
  uses: Parameters<typeof trimJournal>[0] & { readonly timers: Timers; readonly events: DataEvents },
): Upkeep {
  const { events } = uses;
  let running: Promise<void> | undefined;
  let pauses = 0;
  const keepMs = Math.max(journalKeepMs, resumeWindowMs + beyondWindowMs);
  const work = async (): Promise<void> => {
    await trimJournal(uses, keepMs).then(events.journalTrimmed, (error) => events.upkeepFailed("trim", error));
    await forgetDeleted(uses, tombstoneKeepMs).then(events.tombstonesForgotten, (error) =>
      events.upkeepFailed("forget", error),
    );
    running = undefined;
  };
  const timer = uses.timers.every(upkeepMs, () => {
    if (pauses === 0) running ??= work();
  });
  return {
    async pause() {
      pauses += 1;
      await running;
      return {
        [Symbol.dispose]() {
          pauses -= 1;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]();
      await running;
    },
  };
}
