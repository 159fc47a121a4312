import { GuildhallError } from "@guildhall/errors";
import type { EpochRecord, Order, SlotRange } from "@guildhall/proto";
import { rangeContains, sameRange, splitRange } from "@guildhall/slots";
import type { Journal } from "../ports.ts";
import type { HostConfig } from "./host-config.ts";

/** What came of an order: the EPOCH that this host owns the range by, or who owns it instead. */
export type Taking =
  | { readonly taken: true; readonly row: EpochRecord }
  | { readonly taken: false; readonly owner: EpochRecord | undefined };

/**
 * Carries out an order: reads the last EPOCH of the range, goes on only where its owner is the one the order names, none,
 * or an earlier incarnation of this same host, and asks for the next. Once refused, nothing is tried again.
 */
export async function takeRange(
  { range, moveId, fromIncarnation }: Order,
  journal: Pick<Journal, "readEpochs" | "takeEpoch">,
  { name, incarnation }: Pick<HostConfig, "name" | "incarnation">,
): Promise<Taking> {
  if (range === undefined) throw new GuildhallError("INTERNAL", "an order without a range");
  const prev = lastOf(await journal.readEpochs(range), range);
  const isOwn = prev !== undefined && prev.incarnation === incarnation && owns(prev, range);
  // Carried out before, or it is not about what this process has.
  if (isOwn && (prev.moveId === moveId || fromIncarnation !== incarnation)) return complete(prev, journal);
  const mayTake = prev === undefined || prev.incarnation === fromIncarnation || prev.host === name;
  if (!mayTake) return { taken: false, owner: prev };
  const epoch = (prev?.epoch ?? 0) + 1;
  const row: EpochRecord = { range, split: false, epoch, host: name, incarnation, moveId };
  const { taken, winner } = await journal.takeEpoch(row, prev);
  if (taken) return { taken: true, row };
  if (winner?.incarnation === incarnation && winner.epoch === epoch) return complete(winner, journal);
  return { taken: false, owner: winner };
}

/**
 * What was taken by an attempt that failed midway may not be in force for all slots yet: asking for it again does what is
 * left. A split is asked for until it is done, and its halves may have other owners since.
 */
async function complete(row: EpochRecord, journal: Pick<Journal, "takeEpoch">): Promise<Taking> {
  if (row.split) return { taken: true, row };
  const { taken, winner } = await journal.takeEpoch(row, undefined);
  return taken ? { taken, row } : { taken, owner: winner };
}

/** Whether an EPOCH gives its owner exactly this range: as it is, or as one half of a split. */
function owns({ range, split }: EpochRecord, wanted: SlotRange): boolean {
  if (range === undefined) return false;
  return split ? splitRange(range).some((half) => sameRange(half, wanted)) : sameRange(range, wanted);
}

/** The EPOCH in force for the first slot of a range, where it is decided. */
export function lastOf(records: readonly EpochRecord[], { i }: SlotRange): EpochRecord | undefined {
  let last: EpochRecord | undefined;
  for (const record of records) {
    if (record.range === undefined || !rangeContains(record.range, i)) continue;
    if (last === undefined || record.epoch > last.epoch) last = record;
  }
  return last;
}
