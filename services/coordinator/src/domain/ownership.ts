import { type EpochRow, formatRange, type ShardRange, sameRange, splitRange } from "@guildhall/slots";
import type { EntryRow } from "./kept.ts";

/** A shard: a range, and the EPOCH it is owned by (after a split its parent's, with `split`); undefined = never owned. */
export interface Shard {
  readonly range: ShardRange;
  readonly key: string;
  readonly row: EpochRow | undefined;
}

/**
 * What is known of who owns which range, from the journal and from the hosts; the highest epoch is believed. Shards
 * partition all slots, with different n while a fleet is being doubled.
 */
export interface Ownership {
  /** All shards, in order of (n, i). Where nobody ever owned anything they have the `wanted` number. */
  shards(wanted: number): readonly Shard[];
  /** The shard of exactly this range, if there is one. */
  shard(range: ShardRange): Shard | undefined;
  /** The EPOCH by which the range's first slot is owned. */
  ownerOf(range: ShardRange): EpochRow | undefined;
  /** Takes EPOCHs as the journal or a host tells them; false when nothing of it was news. */
  learn(rows: readonly EpochRow[]): boolean;
}

const keyOf = ({ i, n }: ShardRange): number => n + i;
const parentKeyOf = (key: number): number => {
  const n = 2 ** Math.floor(Math.log2(key)) / 2;
  return n + ((key - 2 * n) % n);
};

/** What is told about a replaced owner. */
type OnReplaced = (former: EpochRow, by: EpochRow) => void;

/**
 * Makes what is known at start: the map published last, which does not know by which rows it came about. Those of the
 * journal take their place at the same epoch. `onReplaced` hears of owners that a higher epoch replaced.
 */
export function makeOwnership(entries: readonly EntryRow[], onReplaced: OnReplaced): Ownership {
  return new KnownOwnership(entries, onReplaced);
}

class KnownOwnership implements Ownership {
  readonly #rows = new Map<number, EpochRow>();
  readonly #onReplaced: OnReplaced;
  #wanted = 1;
  #shards: readonly Shard[] | undefined;
  #byRange = new Map<number, Shard>();

  constructor(entries: readonly EntryRow[], onReplaced: OnReplaced) {
    this.#onReplaced = onReplaced;
    for (const { range, host, incarnation, epoch } of entries) {
      this.#rows.set(keyOf(range), { range, split: false, epoch, host, incarnation, moveId: "" });
    }
  }

  shards(wanted: number): readonly Shard[] {
    if (this.#shards === undefined || this.#wanted !== wanted) {
      this.#wanted = wanted;
      this.#shards = this.#partition();
      this.#byRange = new Map(this.#shards.map((shard) => [keyOf(shard.range), shard]));
    }
    return this.#shards;
  }

  shard(range: ShardRange): Shard | undefined {
    this.shards(this.#wanted);
    return this.#byRange.get(keyOf(range));
  }

  ownerOf(range: ShardRange): EpochRow | undefined {
    let best: EpochRow | undefined;
    for (let key = keyOf(range); key >= 1; key = key === 1 ? 0 : parentKeyOf(key)) {
      best = higher(this.#rows.get(key), best);
    }
    return best;
  }

  learn(rows: readonly EpochRow[]): boolean {
    let changed = false;
    for (const row of rows) changed = this.#take(row) || changed;
    if (changed) this.#shards = undefined;
    return changed;
  }

  #take(row: EpochRow): boolean {
    const owner = this.ownerOf(row.range);
    const known = this.#rows.get(keyOf(row.range));
    if (known !== undefined && !isNewer(row, known)) return false;
    this.#rows.set(keyOf(row.range), row);
    if (owner !== undefined && row.epoch > owner.epoch) this.#onReplaced(owner, row);
    return true;
  }

  #partition(): Shard[] {
    const inner = new Set<number>();
    for (const key of this.#rows.keys()) {
      for (let above = key; above > 1 && !inner.has(parentKeyOf(above)); above = parentKeyOf(above)) {
        inner.add(parentKeyOf(above));
      }
    }
    const shards: Shard[] = [];
    const visit = (range: ShardRange, above: EpochRow | undefined): void => {
      const row = higher(this.#rows.get(keyOf(range)), above);
      const isWhole = row === undefined ? range.n >= this.#wanted : !(row.split && sameRange(row.range, range));
      if (!inner.has(keyOf(range)) && isWhole) shards.push({ range, key: formatRange(range), row });
      else for (const half of splitRange(range)) visit(half, row);
    };
    visit({ i: 0, n: 1 }, undefined);
    return shards.sort((a, b) => keyOf(a.range) - keyOf(b.range));
  }
}

function isNewer(row: EpochRow, known: EpochRow): boolean {
  return row.epoch > known.epoch || (row.epoch === known.epoch && known.moveId === "" && row.moveId !== "");
}

/** Of a range's own row and those above it, the one in force; what only a map told never beats a row of its epoch. */
function higher(row: EpochRow | undefined, above: EpochRow | undefined): EpochRow | undefined {
  if (row === undefined || above === undefined) return row ?? above;
  if (row.epoch !== above.epoch) return row.epoch > above.epoch ? row : above;
  return row.moveId === "" ? above : row;
}
