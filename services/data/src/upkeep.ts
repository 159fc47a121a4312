import type { Clock } from "@guildhall/lifecycle";
import { owningRanges, trimBefore } from "./domain/trim.ts";
import type { Journal } from "./store/journal.ts";
import type { Store } from "./store/store.ts";

/** Rounds of forgetting in one run; each is bounded by the store. */
const forgetRounds = 20;

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
