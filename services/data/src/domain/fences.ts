import {
  decideEpoch,
  type EpochAsk,
  type EpochDecision,
  type EpochRow,
  formatRange,
  rangesOfSlot,
} from "@guildhall/slots";

/** The EPOCH rows in force, one a range, and by them the owner of each slot. */
export interface Fences {
  /** The row with the highest epoch among those that hold the slot; undefined while nobody has taken it. */
  ownerOf(slot: number): EpochRow | undefined;
  /** Decides an EPOCH in its slot i, and puts it in force for all its slots when it is taken. */
  take(ask: EpochAsk): EpochDecision;
}

/** Makes the fences that these rows set. */
export function makeFences(rows: readonly EpochRow[]): Fences {
  const byRange = new Map(rows.map((row) => [formatRange(row.range), row]));
  const owners = new Map<number, EpochRow>();

  const ownerOf = (slot: number): EpochRow | undefined => {
    const known = owners.get(slot);
    if (known !== undefined) return known;
    let owner: EpochRow | undefined;
    for (const range of rangesOfSlot(slot)) {
      const row = byRange.get(formatRange(range));
      if (row !== undefined && (owner === undefined || row.epoch > owner.epoch)) owner = row;
    }
    if (owner !== undefined) owners.set(slot, owner);
    return owner;
  };

  return {
    ownerOf,
    take(ask) {
      const decision = decideEpoch(ownerOf(ask.range.i), ask);
      if (decision.taken) {
        const { range, split, epoch, host, incarnation, moveId } = ask;
        byRange.set(formatRange(range), { range, split, epoch, host, incarnation, moveId });
        owners.clear();
      }
      return decision;
    },
  };
}
