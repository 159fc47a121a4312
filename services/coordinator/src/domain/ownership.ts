import {
  type EpochRow,
  formatRange,
  type MapEntry,
  type MapUpdate,
  type ShardRange,
  splitRange,
} from "@guildhall/slots";

/** Which incarnation of which host took a range, at which epoch. */
export type Owner = Pick<EpochRow, "epoch" | "host" | "incarnation">;

/** What is known of who owns which range, from the journal and from the hosts; the highest epoch is believed. */
export interface Ownership {
  ownerOf(range: ShardRange): Owner | undefined;
  owners(): Owner[];
  /** Takes an EPOCH from the journal, which does not say where the host is reached: the map stays. */
  learn(row: EpochRow): void;
  /** Takes what a host says it owns, and puts it into the map. */
  report(host: { host: string; address: string; incarnation: string }, owned: readonly EpochRow[]): void;
  /** The map; its version has risen by one when a report changed an entry. */
  map(): MapUpdate;
}

/** Makes what is known at start: the map published last. `onReplaced` hears of owners that a higher epoch replaced. */
export function makeOwnership(loaded: MapUpdate, onReplaced: (former: Owner, by: Owner) => void): Ownership {
  let map = loaded;
  const entries = new Map(loaded.entries.map((entry) => [formatRange(entry.range), entry]));
  const owners = new Map<string, Owner>(loaded.entries.map((entry) => [formatRange(entry.range), entry]));

  function learn({ range, epoch, host, incarnation }: EpochRow): void {
    const known = owners.get(formatRange(range));
    if (known !== undefined && known.epoch >= epoch) return;
    const owner = { epoch, host, incarnation };
    owners.set(formatRange(range), owner);
    if (known !== undefined) onReplaced(known, owner);
  }

  function enter(entry: MapEntry): boolean {
    const known = entries.get(formatRange(entry.range));
    if (known !== undefined && !isNewer(entry, known)) return false;
    entries.set(formatRange(entry.range), entry);
    return true;
  }

  return {
    ownerOf: (range) => owners.get(formatRange(range)),
    owners: () => [...owners.values()],
    learn,
    report({ host, address, incarnation }, owned) {
      let changed = false;
      for (const row of owned) {
        learn({ ...row, host, incarnation });
        changed = enter({ range: row.range, host, address, epoch: row.epoch, incarnation }) || changed;
      }
      if (changed) map = { version: map.version + 1, entries: [...entries.values()] };
    },
    map: () => map,
  };
}

/** The row itself, or one for each half when it is a split. */
export function halvesOf(row: EpochRow): EpochRow[] {
  return row.split ? splitRange(row.range).map((range) => ({ ...row, range, split: false })) : [row];
}

function isNewer(entry: MapEntry, known: MapEntry): boolean {
  if (entry.epoch !== known.epoch) return entry.epoch > known.epoch;
  return entry.incarnation === known.incarnation && entry.address !== known.address;
}
