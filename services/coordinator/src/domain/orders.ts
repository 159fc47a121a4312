import { formatRange, type ShardRange, sameRange } from "@guildhall/slots";
import type { HostKey, Hosts, Outcome } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { MoveEnd, MoveRow, OrderRow } from "./kept.ts";
import type { Ownership } from "./ownership.ts";
import type { Clock } from "./time.ts";

/*
 * One order is
 *
 *   open ──the journal's row of the range shows what came of it, or the owner says so──▶ ended
 *     ├──the taker is gone, or takes nothing──▶ replaced by another order over the same range
 *     └──no word for a while, the journal read since shows nothing──▶ ended (only moves and splits)
 *
 * An order to take that is out against an incarnation stays out, or is replaced, until the row of its range has another
 * owner or a higher epoch: whoever got it may carry it out at any time.
 */

/** How an order ended. */
export interface OrderEnd {
  readonly order: OrderRow;
  readonly state: MoveEnd;
  readonly reason: string;
  readonly pauseMs: number;
}

/** Orders that are out, and the moves that ended. */
export interface Orders {
  /** All that are out, in the order in which they were made. */
  open(): readonly OrderRow[];
  /** The one that is out over exactly this range. */
  on(range: ShardRange): OrderRow | undefined;
  /** Gives an order, in the place of any other over the same range. */
  give(order: Omit<OrderRow, "moveId" | "startedMs">): OrderRow;
  /** Ends one that was given and cannot be carried out any more. */
  lose(order: OrderRow, reason: string): OrderEnd | undefined;
  /** What `host` is to do now, as far as it is on disk. */
  for(host: HostKey): readonly OrderRow[];
  /** Rises with each order; never falls, also over restarts. */
  numberOf(order: OrderRow): number;
  /**
   * Whether an order to take is out against this incarnation, until the journal's row shows another owner or a higher
   * epoch. While the journal's rows are not `known`, any order that names it counts.
   */
  isContested(host: HostKey, known: boolean): boolean;
  /** For how long (ms) an order has been out. */
  ageMs(order: OrderRow): number;
  /** Takes what the owner says of its moves and splits. Returns those that ended by it. */
  hear(outcomes: readonly Outcome[]): readonly OrderEnd[];
  /** Of moves and splits that the journal told the end of: how long they took, as their owners said since the last call. */
  heardPauses(): readonly HeardPause[];
  /**
   * Ends what the journal's rows, or the hosts, show to have ended. `readAtMs` is when the last reading of the journal
   * that succeeded began.
   */
  review(readAtMs: number): readonly OrderEnd[];
  /** Since when (monotonic) something waits for a reading of the journal; undefined = nothing does. */
  wantsReadingSince(): number | undefined;
  ended(): readonly MoveRow[];
}

/** How long a shard was held up, told after its order had ended. */
export type HeardPause = Pick<OrderRow, "cause"> & Pick<OrderEnd, "pauseMs">;

/** What orders go by. */
export interface OrderParts {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly keeper: Keeper;
  readonly ownership: Ownership;
  readonly hosts: Hosts;
}

/** A move or split with no word for this long is looked up in the journal. */
export const silentOrderMs = 30_000;
/** An order to take that stands for this long may name an owner that is not the last one: the journal is asked again. */
const staleTakeMs = 5_000;
const maxEnded = 200;
const generationSpan = 1_000_000_000;

/** Makes the orders from what was kept. */
export function makeOrders(parts: OrderParts): Orders {
  return new KeptOrders(parts);
}

interface OpenOrder {
  readonly row: OrderRow;
  readonly number: number;
  readonly sinceMs: number;
  /** The owner says it is done; the journal has to show by whom the range is owned now. */
  said: (Outcome & { readonly atMs: number }) | undefined;
}

class KeptOrders implements Orders {
  readonly #parts: OrderParts;
  readonly #open = new Map<string, OpenOrder>();
  readonly #byRange = new Map<string, OpenOrder>();
  #ended: MoveRow[];
  #given: number;
  #pauses: HeardPause[] = [];
  /** Splits that the journal told the end of, and whose owners have not said yet how long they took. */
  readonly #unheard = new Map<string, OrderRow>();

  constructor(parts: OrderParts) {
    this.#parts = parts;
    this.#given = parts.keeper.generation * generationSpan;
    this.#ended = [...parts.keeper.rows("move").values()].sort((a, b) => a.endedMs - b.endedMs);
    const rows = [...parts.keeper.rows("order").values()];
    for (const row of rows.sort((a, b) => a.startedMs - b.startedMs)) this.#add(row);
  }

  open(): readonly OrderRow[] {
    return [...this.#open.values()].map(({ row }) => row);
  }

  on(range: ShardRange): OrderRow | undefined {
    return this.#byRange.get(formatRange(range))?.row;
  }

  give(order: Omit<OrderRow, "moveId" | "startedMs">): OrderRow {
    const { newId, clock, keeper } = this.#parts;
    const former = this.#byRange.get(formatRange(order.range));
    if (former !== undefined) this.#remove(former);
    const row = { ...order, moveId: newId(), startedMs: clock.nowMs() };
    keeper.put("order", row.moveId, row);
    this.#add(row);
    return row;
  }

  lose({ moveId }: OrderRow, reason: string): OrderEnd | undefined {
    const open = this.#open.get(moveId);
    return open === undefined ? undefined : this.#end(open, "Lost", reason, open.said?.pauseMs ?? 0);
  }

  for({ host, incarnation }: HostKey): readonly OrderRow[] {
    const { keeper } = this.#parts;
    return this.open().filter((row) => {
      const isFor = row.kind === "take" ? isTo(row, host, incarnation) : isFrom(row, host, incarnation);
      return isFor && keeper.isSaved("order", row.moveId);
    });
  }

  numberOf({ moveId }: OrderRow): number {
    return this.#open.get(moveId)?.number ?? 0;
  }

  isContested({ host, incarnation }: HostKey, known: boolean): boolean {
    for (const { row } of this.#open.values()) {
      if (row.kind !== "take" || row.fromIncarnation !== incarnation) continue;
      if (!known) return true;
      const owner = this.#parts.ownership.ownerOf(row.range);
      if (owner?.host === host && owner.incarnation === incarnation && owner.epoch <= row.epoch) return true;
    }
    return false;
  }

  ageMs({ moveId }: OrderRow): number {
    const sinceMs = this.#open.get(moveId)?.sinceMs;
    return sinceMs === undefined ? 0 : this.#parts.clock.monotonicMs() - sinceMs;
  }

  hear(outcomes: readonly Outcome[]): readonly OrderEnd[] {
    return outcomes.flatMap((outcome) => {
      const open = this.#open.get(outcome.moveId);
      if (open === undefined) this.#amend(outcome);
      else if (outcome.result === "refused") return [this.#end(open, "Refused", outcome.reason, outcome.pauseMs)];
      else open.said ??= { ...outcome, atMs: this.#parts.clock.monotonicMs() };
      return [];
    });
  }

  review(readAtMs: number): readonly OrderEnd[] {
    const ends: OrderEnd[] = [];
    for (const open of this.#open.values()) {
      const verdict = this.#verdict(open, readAtMs);
      if (verdict === undefined) continue;
      const [state, reason] = verdict;
      ends.push(this.#end(open, state, open.said?.reason || reason, open.said?.pauseMs ?? 0));
    }
    return ends;
  }

  wantsReadingSince(): number | undefined {
    let least: number | undefined;
    for (const open of this.#open.values()) {
      const sinceMs = this.#lookUpFromMs(open);
      if (sinceMs <= this.#parts.clock.monotonicMs()) least = Math.min(least ?? sinceMs, sinceMs);
    }
    return least;
  }

  heardPauses(): readonly HeardPause[] {
    const heard = this.#pauses;
    this.#pauses = [];
    return heard;
  }

  ended(): readonly MoveRow[] {
    return this.#ended;
  }

  #add(row: OrderRow): void {
    this.#given += 1;
    const open = { row, number: this.#given, sinceMs: this.#parts.clock.monotonicMs(), said: undefined };
    this.#open.set(row.moveId, open);
    this.#byRange.set(formatRange(row.range), open);
  }

  #remove({ row }: OpenOrder): void {
    this.#parts.keeper.drop("order", row.moveId);
    this.#open.delete(row.moveId);
    this.#byRange.delete(formatRange(row.range));
  }

  #end(open: OpenOrder, state: MoveEnd, reason: string, pauseMs: number): OrderEnd {
    const { row } = open;
    this.#remove(open);
    if (row.kind === "split" && open.said === undefined) this.#listenFor(row);
    if (row.kind === "move") this.#record({ ...row, endedMs: this.#parts.clock.nowMs(), state, reason, pauseMs });
    return { order: row, state, reason, pauseMs };
  }

  #record({ moveId, cause, range, fromHost, toHost, startedMs, endedMs, state, reason, pauseMs }: MoveRow): void {
    const { keeper } = this.#parts;
    const row = { moveId, cause, range, fromHost, toHost, startedMs, endedMs, state, reason, pauseMs };
    this.#ended.push(row);
    keeper.put("move", moveId, row);
    while (this.#ended.length > maxEnded) keeper.drop("move", this.#ended.shift()?.moveId ?? "");
  }

  #listenFor(split: OrderRow): void {
    this.#unheard.set(split.moveId, split);
    for (const oldest of this.#unheard.keys()) if (this.#unheard.size > maxEnded) this.#unheard.delete(oldest);
  }

  /** The journal told first how a move or split ended; its owner tells how long it took. */
  #amend({ moveId, pauseMs }: Outcome): void {
    const split = this.#unheard.get(moveId);
    if (split !== undefined) {
      this.#unheard.delete(moveId);
      this.#pauses.push({ cause: split.cause, pauseMs });
      return;
    }
    const index = this.#ended.findIndex((row) => row.moveId === moveId);
    const row = this.#ended[index];
    if (row === undefined || row.pauseMs === pauseMs) return;
    const amended = { ...row, pauseMs };
    this.#ended[index] = amended;
    this.#pauses.push(amended);
    this.#parts.keeper.put("move", moveId, amended);
  }

  #verdict(open: OpenOrder, readAtMs: number): readonly [MoveEnd, string] | undefined {
    const { row } = open;
    const { ownership, hosts } = this.#parts;
    const owner = ownership.ownerOf(row.range);
    if (owner === undefined || owner.epoch <= row.epoch) return this.#unmoved(open, readAtMs);
    const isTaker = owner.host === row.toHost && owner.incarnation === row.toIncarnation;
    const isSplit = owner.split && sameRange(owner.range, row.range);
    if (row.kind === "split") return isSplit ? ["Done", ""] : ["Lost", `${owner.host} has taken it`];
    if (isSplit) return ["Lost", "it was split"];
    if (row.kind === "move") {
      if (isTaker) return ["Done", ""];
      const isBack = owner.host === row.fromHost && owner.incarnation === row.fromIncarnation;
      return isBack ? ["TakenBack", "the other host did not open in time"] : ["Lost", `${owner.host} has taken it`];
    }
    if (!isTaker) return ["Lost", `${owner.host} has taken it`];
    // Taken, and being loaded until the host says that it serves.
    const shard = ownership.shard(row.range);
    const isOver = shard === undefined || hosts.serves(shard) || !hosts.isCurrent(owner);
    return isOver ? ["Done", ""] : undefined;
  }

  /** Whether a move or split has come to nothing, as far as the journal shows. */
  #unmoved(open: OpenOrder, readAtMs: number): readonly [MoveEnd, string] | undefined {
    if (open.row.kind === "take" || readAtMs < this.#lookUpFromMs(open)) return undefined;
    const { fromHost, fromIncarnation } = open.row;
    const isThere = this.#parts.hosts.isCurrent({ host: fromHost, incarnation: fromIncarnation });
    return ["Lost", isThere ? "no word of it, and the journal shows none" : `${fromHost} is gone`];
  }

  /** From when on (monotonic) a reading of the journal decides whether anything came of it. */
  #lookUpFromMs({ row, said, sinceMs }: OpenOrder): number {
    if (row.kind !== "take") return said?.atMs ?? sinceMs + silentOrderMs;
    const owner = this.#parts.ownership.ownerOf(row.range);
    if (owner !== undefined && owner.epoch > row.epoch) return Number.POSITIVE_INFINITY;
    // Again and again while it stands.
    const times = Math.floor((this.#parts.clock.monotonicMs() - sinceMs) / staleTakeMs);
    return sinceMs + Math.max(1, times) * staleTakeMs;
  }
}

const isTo = (row: OrderRow, host: string, incarnation: string): boolean =>
  row.toHost === host && row.toIncarnation === incarnation;
const isFrom = (row: OrderRow, host: string, incarnation: string): boolean =>
  row.fromHost === host && row.fromIncarnation === incarnation;
