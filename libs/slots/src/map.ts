import { type ShardRange, shardOf, slotCount } from "./range.ts";

/** Who owns a range: the host's name, the address (host:port) it answers at, its epoch there and its incarnation. */
export interface MapEntry {
  readonly range: ShardRange;
  readonly host: string;
  readonly address: string;
  readonly epoch: number;
  readonly incarnation: string;
}

/** A whole published map; versions begin at 1. */
export interface MapUpdate {
  readonly version: number;
  readonly entries: readonly MapEntry[];
}

/** What a process knows of who owns which slot. Whoever names the highest epoch for a slot is believed. */
export interface ShardMap {
  /** The version of the last map applied; 0 before the first. */
  readonly version: number;
  /** Who is believed to own what, as ranges that do not overlap, in order of (n, i). */
  entries(): readonly MapEntry[];
  /** The owner of a slot, or undefined when none is known. The range may be wider than what the entry still owns. */
  ownerOf(slot: number): MapEntry | undefined;
  /** Replaces the map by a newer one; false, and nothing done, when it is not newer. What was learned with a higher epoch stays. */
  apply(update: MapUpdate): boolean;
  /** Takes an announcement or a NotOwner answer; false when no slot of it had a lower epoch before. */
  learn(entry: MapEntry): boolean;
}

// n is a power of two above i, so that n + i names a range.
const keyOf = ({ i, n }: ShardRange): number => n + i;

/** Makes an empty map. */
export function makeShardMap(): ShardMap {
  let version = 0;
  let rows = new Map<number, MapEntry>();
  let learned = new Map<number, MapEntry>();
  // Which n occur among the rows: a lookup probes only these.
  let counts: readonly number[] = [];
  let resolved: readonly MapEntry[] | undefined = [];

  const changed = (): void => {
    counts = [...new Set([...rows.values()].map(({ range }) => range.n))].sort((a, b) => a - b);
    resolved = undefined;
  };
  const entries = (): readonly MapEntry[] => {
    resolved ??= resolve(rows);
    return resolved;
  };

  return {
    get version() {
      return version;
    },
    entries,
    ownerOf(slot) {
      let owner: MapEntry | undefined;
      for (const n of counts) {
        const row = rows.get(n + shardOf(slot, n));
        if (row !== undefined && (owner === undefined || row.epoch >= owner.epoch)) owner = row;
      }
      return owner;
    },
    apply(update) {
      if (update.version <= version) return false;
      version = update.version;
      rows = new Map(update.entries.map((entry) => [keyOf(entry.range), entry]));
      const published = resolve(rows);
      learned = new Map([...learned].filter(([, entry]) => adds(entry, published)));
      for (const entry of learned.values()) putHigher(rows, entry);
      changed();
      return true;
    },
    learn(entry) {
      if (!adds(entry, entries())) return false;
      putHigher(learned, entry);
      putHigher(rows, entry);
      changed();
      return true;
    },
  };
}

function putHigher(rows: Map<number, MapEntry>, entry: MapEntry): void {
  const key = keyOf(entry.range);
  const row = rows.get(key);
  if (row === undefined || row.epoch < entry.epoch) rows.set(key, entry);
}

/** Whether some slot of the entry is owned by none of these entries (which do not overlap), or at a lower epoch. */
function adds(entry: MapEntry, entries: readonly MapEntry[]): boolean {
  const { i, n } = entry.range;
  let covered = 0;
  for (const { range, epoch } of entries) {
    const least = Math.min(n, range.n);
    if (epoch >= entry.epoch && shardOf(i, least) === shardOf(range.i, least))
      covered += slotCount / Math.max(n, range.n);
  }
  return covered < slotCount / n;
}

/** The rows as ranges that do not overlap: for every slot the row with the highest epoch, halves joined where one row owns both. */
function resolve(rows: ReadonlyMap<number, MapEntry>): MapEntry[] {
  const inner = new Set<number>();
  for (const { range } of rows.values()) {
    for (let n = range.n / 2; n >= 1 && !inner.has(n + shardOf(range.i, n)); n /= 2) inner.add(n + shardOf(range.i, n));
  }
  const owners: { range: ShardRange; owner: MapEntry }[] = [];
  visit({ i: 0, n: 1 }, undefined);
  owners.sort((a, b) => keyOf(a.range) - keyOf(b.range));
  return owners.map(({ range, owner }) => (keyOf(range) === keyOf(owner.range) ? owner : { ...owner, range }));

  /** Adds the owners within a range; the owner when one row owns it all. */
  function visit(range: ShardRange, above: MapEntry | undefined): MapEntry | undefined {
    const row = rows.get(keyOf(range));
    const best = row !== undefined && (above === undefined || row.epoch >= above.epoch) ? row : above;
    if (!inner.has(keyOf(range))) {
      if (best !== undefined) owners.push({ range, owner: best });
      return best;
    }
    const before = owners.length;
    const low = visit({ i: range.i, n: range.n * 2 }, best);
    const high = visit({ i: range.i + range.n, n: range.n * 2 }, best);
    if (low === undefined || low !== high) return undefined;
    owners.splice(before, owners.length - before, { range, owner: low });
    return low;
  }
}
