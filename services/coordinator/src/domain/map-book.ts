import { formatRange, type MapEntry, rangesOverlap, type ShardRange, sameRange } from "@guildhall/slots";
import type { Hosts } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { Change, EntryRow, MoveIntent, OrderRow } from "./kept.ts";
import type { Shard } from "./ownership.ts";

/** The published map, whole (`fromVersion` 0), or what changed since a version. */
export interface MapDelta {
  readonly version: number;
  readonly fromVersion: number;
  readonly entries: readonly EntryRow[];
  /** Ranges that are no entries any more. */
  readonly removed: readonly ShardRange[];
}

/** The map as it is to be published, and as it was. */
export interface MapBook {
  /** The version on disk; 0 = none ever. */
  readonly version: number;
  /** Takes in who owns what now. Entries partition the slots of which an owner is known. */
  refresh(shards: readonly Shard[], hosts: Hosts, moves: readonly OrderRow[]): void;
  /** Before a write: gives the map its next version when entries change with it. */
  beforeSave(changes: readonly Change[]): void;
  /** After a write: true when it changed the map. */
  afterSave(changes: readonly Change[]): boolean;
  /** What somebody who has `version` lacks (0 = all of it); undefined = nothing. */
  since(version: number): MapDelta | undefined;
}

// A watcher that is further behind gets the whole map.
const maxHistory = 1_024;

/** Makes the map from what was kept. */
export function makeMapBook(keeper: Keeper): MapBook {
  return new KeptMap(keeper);
}

class KeptMap implements MapBook {
  readonly #keeper: Keeper;
  readonly #published: Map<string, EntryRow>;
  readonly #history: { readonly version: number; readonly keys: readonly string[] }[] = [];
  #version: number;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.#published = new Map(keeper.rows("entry"));
    this.#version = keeper.get("map")?.version ?? 0;
  }

  get version(): number {
    return this.#version;
  }

  refresh(shards: readonly Shard[], hosts: Hosts, moves: readonly OrderRow[]): void {
    const known = this.#keeper.rows("entry");
    const moving = new Map(moves.map((move) => [formatRange(move.range), intentOf(move)]));
    const entries = new Map<string, EntryRow>();
    const unowned: Shard[] = [];
    for (const shard of shards) {
      if (shard.row === undefined) {
        unowned.push(shard);
        continue;
      }
      const entry = reported(shard, hosts) ?? narrowed(shard, known);
      if (entry !== undefined) entries.set(shard.key, withIntent(entry, moving.get(shard.key)));
    }
    for (const [key, entry] of known) {
      const next = entries.get(key);
      if (next !== undefined || unowned.some(({ range }) => rangesOverlap(range, entry.range))) continue;
      this.#keeper.drop("entry", key);
    }
    for (const [key, entry] of entries) {
      const before = known.get(key);
      if (before === undefined || !sameEntry(before, entry)) this.#keeper.put("entry", key, entry);
    }
  }

  beforeSave(changes: readonly Change[]): void {
    if (!changes.some(({ kind }) => kind === "entry")) return;
    this.#keeper.put("map", "", { version: this.#version + 1 });
  }

  afterSave(changes: readonly Change[]): boolean {
    const keys: string[] = [];
    let version = this.#version;
    for (const change of changes) {
      if (change.kind === "map") version = change.row?.version ?? version;
      if (change.kind !== "entry") continue;
      keys.push(change.key);
      if (change.row === undefined) this.#published.delete(change.key);
      else this.#published.set(change.key, change.row);
    }
    if (version === this.#version) return false;
    this.#version = version;
    this.#history.push({ version, keys });
    if (this.#history.length > maxHistory) this.#history.shift();
    return true;
  }

  since(version: number): MapDelta | undefined {
    if (version === this.#version) return undefined;
    const oldest = this.#history[0]?.version ?? Number.POSITIVE_INFINITY;
    if (version === 0 || version < oldest - 1 || version > this.#version) {
      return { version: this.#version, fromVersion: 0, entries: [...this.#published.values()], removed: [] };
    }
    const later = this.#history.filter((change) => change.version > version);
    const keys = new Set(later.flatMap((change) => change.keys));
    const entries = [...keys].flatMap((key) => this.#published.get(key) ?? []);
    const removed = [...keys].filter((key) => !this.#published.has(key)).map(rangeOf);
    return { version: this.#version, fromVersion: version, entries, removed };
  }
}

function reported({ key, range, row }: Shard, hosts: Hosts): EntryRow | undefined {
  if (row === undefined || !hosts.serves({ key, row })) return undefined;
  const address = hosts.last(row.host)?.address ?? "";
  return { range, host: row.host, address, epoch: row.epoch, incarnation: row.incarnation };
}

/** What was known of a shard whose owner has not said yet that it serves: the last owner that did. */
function narrowed({ range, key }: Shard, known: ReadonlyMap<string, EntryRow>): EntryRow | undefined {
  const exact = known.get(key);
  if (exact !== undefined) return exact;
  for (let n = range.n / 2; n >= 1; n /= 2) {
    const wider = known.get(formatRange({ i: range.i % n, n }));
    if (wider !== undefined) return { ...wider, range };
  }
  return undefined;
}

function withIntent({ moving: _, ...entry }: EntryRow, intent: MoveIntent | undefined): EntryRow {
  return intent === undefined ? entry : { ...entry, moving: intent };
}

function intentOf({ moveId, toHost, toAddress }: OrderRow): MoveIntent {
  return { moveId, toHost, toAddress };
}

function sameEntry(a: EntryRow, b: EntryRow): boolean {
  return sameOwner(a, b) && a.moving?.moveId === b.moving?.moveId && sameRange(a.range, b.range);
}

function sameOwner(a: MapEntry, b: MapEntry): boolean {
  return a.host === b.host && a.address === b.address && a.epoch === b.epoch && a.incarnation === b.incarnation;
}

function rangeOf(key: string): ShardRange {
  const [i, n] = key.split("/").map(Number);
  return { i: i ?? 0, n: n ?? 1 };
}
