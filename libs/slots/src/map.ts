import type { MapEntry } from "./map-entry.ts";
import { type Row, rangeKey, resolveRows } from "./map-rows.ts";
import { type ShardRange, shardOf, slotCount } from "./range.ts";

/** A whole published map; versions begin at 1. */
export interface MapUpdate {
  readonly version: number;
  readonly entries: readonly MapEntry[];
}

/** A change of the published map; with `fromVersion` 0 it is the whole map. */
export interface MapDelta {
  readonly fromVersion: number;
  readonly version: number;
  /** New, or other than they were. */
  readonly entries: readonly MapEntry[];
  /** None any more. */
  readonly removed: readonly ShardRange[];
}

/** What became of a delta: `old` = not newer than what is known; `gap` = it changes another version, ask for the whole map. */
export type DeltaOutcome = "applied" | "old" | "gap";

/** Protections of a map, all on but in the tests that show what each is for. */
export interface MapGuards {
  /** Older maps, and changes of another version, are refused. */
  readonly mapVersion: boolean;
  /** A lower epoch never replaces a higher one. */
  readonly highestEpoch: boolean;
}

/** What a process knows of who owns which slot. Whoever names the highest epoch for a slot is believed. */
export interface ShardMap {
  /** The version of the last map applied; 0 before the first. */
  readonly version: number;
  /** Who is believed to own what, as ranges that do not overlap, in order of (n, i). */
  entries(): readonly MapEntry[];
  /** The owner of a slot, or undefined when none is known. The range may be wider than what the entry still owns. */
  ownerOf(slot: number): MapEntry | undefined;
  /** Replaces the map by a newer one; false, and nothing done, when it is not newer. What is known with a higher epoch stays. */
  apply(update: MapUpdate): boolean;
  /** Takes what changed since the version it names, or the whole map. What is known with a higher epoch stays. */
  applyDelta(delta: MapDelta): DeltaOutcome;
  /** Takes an announcement or a NotOwner answer; false when no slot of it had a lower epoch before. */
  learn(entry: MapEntry): boolean;
}

const allGuards: MapGuards = { mapVersion: true, highestEpoch: true };

/** Makes an empty map. */
export function makeShardMap(guards: MapGuards = allGuards): ShardMap {
  let version = 0;
  let published = new Map<number, Row>();
  // What is known with a higher epoch than the published map has: announcements, and what an earlier map said.
  let higher = new Map<number, Row>();
  let rows = published;
  // Which n occur among the rows: a lookup probes only these.
  let counts: readonly number[] = [];
  let resolved: readonly Row[] | undefined = [];
  let listed: readonly MapEntry[] | undefined;
  let heard = 0;

  const rowOf = (entry: MapEntry): Row => {
    heard += 1;
    return { entry, rank: guards.highestEpoch ? entry.epoch : heard };
  };
  const current = (): readonly Row[] => {
    resolved ??= resolveRows(rows);
    return resolved;
  };
  const changed = (): void => {
    rows = new Map(published);
    for (const row of higher.values()) putHigher(rows, row);
    counts = [...new Set([...rows.values()].map(({ entry }) => entry.range.n))].sort((a, b) => a - b);
    resolved = undefined;
    listed = undefined;
  };
  const publish = (next: Map<number, Row>, nextVersion: number): void => {
    const before = current();
    const beneath = resolveRows(next);
    version = nextVersion;
    published = next;
    higher = new Map(before.filter((row) => adds(row, beneath)).map((row) => [rangeKey(row.entry.range), row]));
    changed();
  };
  const applyDelta = (delta: MapDelta): DeltaOutcome => {
    if (guards.mapVersion && delta.version <= version) return "old";
    if (guards.mapVersion && delta.fromVersion !== 0 && delta.fromVersion !== version) return "gap";
    const next = delta.fromVersion === 0 ? new Map<number, Row>() : new Map(published);
    for (const range of delta.removed) next.delete(rangeKey(range));
    for (const entry of delta.entries) next.set(rangeKey(entry.range), rowOf(entry));
    publish(next, delta.version);
    return "applied";
  };

  return {
    get version() {
      return version;
    },
    entries() {
      listed ??= current().map(({ entry }) => entry);
      return listed;
    },
    ownerOf(slot) {
      let owner: Row | undefined;
      for (const n of counts) {
        const row = rows.get(n + shardOf(slot, n));
        if (row !== undefined && (owner === undefined || row.rank >= owner.rank)) owner = row;
      }
      return owner?.entry;
    },
    apply: (update) => applyDelta({ ...update, fromVersion: 0, removed: [] }) === "applied",
    applyDelta,
    learn(entry) {
      const row = rowOf(entry);
      if (!adds(row, current())) return false;
      putHigher(higher, row);
      changed();
      return true;
    },
  };
}

function putHigher(rows: Map<number, Row>, row: Row): void {
  const key = rangeKey(row.entry.range);
  const known = rows.get(key);
  if (known === undefined || known.rank < row.rank) rows.set(key, row);
}

/** Whether some slot of the row is owned by none of these rows (which do not overlap), or at a lower rank. */
function adds({ entry, rank }: Row, rows: readonly Row[]): boolean {
  const { i, n } = entry.range;
  let covered = 0;
  for (const { entry: other, rank: otherRank } of rows) {
    const { range } = other;
    const least = Math.min(n, range.n);
    if (otherRank >= rank && shardOf(i, least) === shardOf(range.i, least)) covered += slotCount / Math.max(n, range.n);
  }
  return covered < slotCount / n;
}
