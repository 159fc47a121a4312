import type { EpochRecord, HandoffOutcome } from "@guildhall/proto";
import { rangeContains, slotCount, slotOf, splitRange } from "@guildhall/slots";
import type { Unapplied } from "./applier.ts";
import { doneOutcome, type HandoffOrder, lostOutcome, refusedOutcome, takenBackOutcome } from "./handoff-outcome.ts";
import type { HostParts } from "./host-parts.ts";
import type { Sealer } from "./sealer.ts";
import { settleEpoch } from "./settle-epoch.ts";
import { makeShard, type Shard } from "./shard.ts";

/*
 * A split, and a range that its own host takes anew:
 *
 *   serving ──a moment of calm──▶ sealed ──drained──▶ asking ──taken──▶ serving at the next epoch (two halves, or as it was)
 *      └──no calm──▶ serving        └──not drained──▶ serving  ├──no answer──▶ asking (sealed, for as long as it takes)
 *                                                              └──refused──▶ lost
 */

/** What the host does about a shard whose EPOCH has changed. */
export interface EpochChanges {
  /** It goes on here, in these shards. */
  served(gone: readonly Shard[], come: readonly Shard[]): void;
  /** It is another's now, as it was meant to be; `address`: where that one is reached, if it has said so. */
  given(shard: Shard, owner: EpochRecord, address: string | undefined): void;
  /** It is another's. */
  lost(shard: Shard, owner: EpochRecord | undefined): void;
}

/** Splits a shard in place: both halves go on with its actors, caches, ring and request ids. */
export async function splitShard(
  order: HandoffOrder,
  shard: Shard,
  { parts, sealer, changes }: ChangeTools,
): Promise<HandoffOutcome> {
  if (shard.range.n >= slotCount) return refusedOutcome(order, "a single slot cannot be split");
  return changeEpoch(order, shard, { split: true, why: "wish" }, { parts, sealer, changes });
}

/** Takes a range anew that this host has: ends every order to others. */
export function retakeShard(order: HandoffOrder, shard: Shard, tools: ChangeTools): Promise<HandoffOutcome> {
  return changeEpoch(order, shard, { split: false, why: "need" }, tools);
}

/** What is needed to change a shard's EPOCH. */
export interface ChangeTools {
  readonly parts: HostParts;
  readonly sealer: Sealer;
  readonly changes: EpochChanges;
}

async function changeEpoch(
  order: HandoffOrder,
  shard: Shard,
  { split, why }: { readonly split: boolean; readonly why: "wish" | "need" },
  { parts, sealer, changes }: ChangeTools,
): Promise<HandoffOutcome> {
  const { ports, config } = parts;
  const { name: host, incarnation } = config;
  const sealing = await sealer.seal(shard, why);
  const pauseMs = (): number => (sealing.sinceMs === undefined ? 0 : ports.clock.monotonicMs() - sealing.sinceMs);
  if (!sealing.sealed) {
    const { sinceMs, reason } = sealing;
    return sinceMs === undefined ? refusedOutcome(order, reason) : takenBackOutcome(order, reason, pauseMs());
  }
  const { range, row: prev } = shard;
  const row: EpochRecord = { range, split, epoch: prev.epoch + 1, host, incarnation, moveId: order.moveId };
  const outcome = await settleEpoch({ row, prev, isOver: () => shard.isClosed }, ports);
  if (outcome?.taken && !shard.isClosed) {
    if (split) changes.served([shard], halvesOf(shard, row, parts));
    else {
      shard.renew(row);
      changes.served([], [shard]);
    }
    shard.seal.lift();
    return doneOutcome(order, pauseMs());
  }
  if (outcome?.taken === false) changes.lost(shard, outcome.winner);
  return lostOutcome(order, `lost to ${shard.lostTo?.host ?? "another host"}`, pauseMs());
}

/** The two halves of a shard, which is none any more. */
function halvesOf(shard: Shard, row: EpochRecord, parts: HostParts): readonly Shard[] {
  const [low, high] = splitRange(shard.range);
  const isLow = (topic: bigint): boolean => rangeContains(low, slotOf(topic));
  const { actors, unapplied } = shard.dissolve();
  const [lowRing, highRing] = shard.ring.split(isLow);
  // Request ids are known by themselves, whatever topic they are of: both halves go on with all of them.
  const { retries } = shard;
  const lowShard = makeShard({ range: low, row, retries, ring: lowRing, unapplied: part(unapplied, isLow) }, parts);
  const isHigh = (topic: bigint): boolean => !isLow(topic);
  const highShard = makeShard({ range: high, row, retries, ring: highRing, unapplied: part(unapplied, isHigh) }, parts);
  for (const actor of actors) (isLow(actor.topic) ? lowShard : highShard).house(actor);
  return [lowShard, highShard];
}

function part({ records, ...rest }: Unapplied, holds: (topic: bigint) => boolean): Unapplied {
  return { ...rest, records: records.filter(({ record }) => holds(record.topic)) };
}
