import { formatRange, type ShardRange, splitRange } from "@guildhall/slots";
import type { Decisions } from "./decisions.ts";
import type { Keeper } from "./keeper.ts";
import type { FleetSpec, OrderRow, ReshardRow, StepRow } from "./kept.ts";
import type { Mover } from "./mover.ts";
import type { OrderEnd, Orders } from "./orders.ts";
import type { Shard } from "./ownership.ts";
import type { PlanInput } from "./reshard-plan.ts";
import type { Clock } from "./time.ts";
import { isOpen } from "./windows.ts";

/*
 * One step, a shard that is to move, is
 *
 *   waiting ──its move is done, or it is there already──▶ done
 *      └──its host is not to have shards any more──▶ skipped
 *
 * A move that is refused, taken back or lost leaves the step waiting: it is tried again after the shard's backoff.
 */

/** What a reshard goes by. */
export interface ReshardParts {
  readonly clock: Clock;
  readonly keeper: Keeper;
  readonly orders: Orders;
  readonly mover: Mover;
  readonly decisions: Decisions;
  readonly shards: () => readonly Shard[];
  readonly shard: (range: ShardRange) => Shard | undefined;
  readonly spec: () => FleetSpec;
  /** Hosts that may have shards. */
  readonly hosts: () => readonly string[];
  readonly weightOf: PlanInput["weightOf"];
  /** Why nothing may be changed voluntarily; empty = it may. */
  readonly hindrance: () => string;
}

/** Carries out what a reshard is made of: splits, then moves. */
export interface ReshardWork {
  /** Begins splits, one at a time a host. `said`: why one that is left cannot be begun. */
  split(row: ReshardRow): { readonly left: number; readonly said: string };
  /** All shards are split: makes the plan's moves steps. Returns how many there are. */
  beginMoves(): number;
  /** Begins moves that may be begun. */
  move(row: ReshardRow): { readonly left: number; readonly skipped: number; readonly said: string };
  /** Moves of the reshard that run. */
  running(): number;
  ended(row: ReshardRow, end: OrderEnd): void;
}

/** Makes it; `change` puts what has changed of the reshard. */
export function makeReshardWork(parts: ReshardParts, change: (changes: Partial<ReshardRow>) => void): ReshardWork {
  return new SteppedWork(parts, change);
}

class SteppedWork implements ReshardWork {
  readonly #parts: ReshardParts;
  readonly #change: (changes: Partial<ReshardRow>) => void;

  constructor(parts: ReshardParts, change: (changes: Partial<ReshardRow>) => void) {
    this.#parts = parts;
    this.#change = change;
  }

  running(): number {
    const isOurs = ({ kind, cause }: OrderRow): boolean => kind === "move" && (cause === "reshard" || cause === "undo");
    return this.#parts.orders.open().filter(isOurs).length;
  }

  split(row: ReshardRow): { left: number; said: string } {
    const { mover, shards } = this.#parts;
    const left = shards().filter(({ range }) => range.n < row.to);
    let said = "";
    for (const { range } of left) {
      const hindrance = mover.splitHindrance(range);
      if (hindrance === undefined) mover.split(range, `${row.from} → ${row.to}`);
      else if (!hindrance.passing) said ||= hindrance.reason;
    }
    return { left: left.length, said };
  }

  beginMoves(): number {
    const { keeper } = this.#parts;
    const plan = keeper.get("plan");
    for (const { range, host } of plan?.splits ?? []) this.#keepParents(range, host);
    for (const move of plan?.moves ?? []) keeper.put("step", formatRange(move.range), { ...move, state: "waiting" });
    return plan?.moves.length ?? 0;
  }

  move(row: ReshardRow): { left: number; skipped: number; said: string } {
    const { mover, orders, spec, clock } = this.#parts;
    if (row.undoing) this.#planWayBack(row);
    let said = isOpen(spec().reshardingWindows, clock.nowMs()) ? "" : "waiting for a window of resharding.windows";
    const mayBegin = said === "";
    for (const step of this.#steps("waiting")) {
      if (orders.on(step.range) !== undefined || this.#settles(step) || !mayBegin) continue;
      const hindrance = mover.moveHindrance(step.range, step.toHost);
      if (hindrance === undefined) mover.move(step.range, step.toHost, row.undoing ? "undo" : "reshard", step.reason);
      else if (!hindrance.passing) said ||= hindrance.reason;
    }
    return { left: this.#steps("waiting").length + this.running(), skipped: this.#steps("skipped").length, said };
  }

  ended(row: ReshardRow, { order, state, pauseMs }: OrderEnd): void {
    if (order.cause !== "reshard" && order.cause !== "undo") return;
    const worstPauseMs = Math.max(row.worstPauseMs, pauseMs);
    if (state === "Done" && order.kind === "split") this.#keepParents(order.range, order.toHost);
    const step = this.#parts.keeper.get("step", formatRange(order.range));
    const isStep = state === "Done" && order.kind === "move" && order.toHost === step?.toHost;
    if (isStep && step !== undefined) this.#setStep(step, "done");
    if (isStep || worstPauseMs > row.worstPauseMs) this.#change({ worstPauseMs, moved: row.moved + Number(isStep) });
  }

  #steps(state: StepRow["state"]): StepRow[] {
    return [...this.#parts.keeper.rows("step").values()].filter((step) => step.state === state);
  }

  #setStep(step: StepRow, state: StepRow["state"]): void {
    this.#parts.keeper.put("step", formatRange(step.range), { ...step, state });
  }

  #keepParents(range: ShardRange, host: string): void {
    const { keeper } = this.#parts;
    for (const half of splitRange(range)) {
      const key = formatRange(half);
      if (keeper.get("parent", key) === undefined) keeper.put("parent", key, { range: half, host });
    }
  }

  /** Whether a step needs no move any more; it is then over. */
  #settles(step: StepRow): boolean {
    const { shard, hosts } = this.#parts;
    if (shard(step.range)?.row?.host === step.toHost) this.#setStep(step, "done");
    else if (!hosts().includes(step.toHost)) this.#setStep(step, "skipped");
    else return false;
    return true;
  }

  /** Makes steps for children that are not where their parents were. */
  #planWayBack(row: ReshardRow): void {
    const { keeper, shards } = this.#parts;
    let { total } = row;
    for (const { key, range, row: owner } of shards()) {
      const parent = keeper.get("parent", key);
      if (parent === undefined || owner === undefined || owner.host === parent.host) continue;
      if (keeper.get("step", key) !== undefined) continue;
      const reason = `its parent was split on ${parent.host}`;
      keeper.put("step", key, { range, fromHost: owner.host, toHost: parent.host, reason, state: "waiting" });
      total += 1;
    }
    if (total !== row.total) this.#change({ total });
  }
}
