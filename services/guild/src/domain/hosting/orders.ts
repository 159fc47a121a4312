import { type HandoffOutcome, type Order, OrderKind, type SlotRange } from "@guildhall/proto";
import { formatRange, rangesOverlap } from "@guildhall/slots";
import type { HandoffKind, Reporter } from "../ports.ts";
import { giveShard } from "./handoff-giver.ts";
import { doneOutcome, type HandoffOrder, refusedOutcome } from "./handoff-outcome.ts";
import type { Shard } from "./shard.ts";
import type { ShardTable } from "./shard-table.ts";
import { type ChangeTools, retakeShard, splitShard } from "./split-shard.ts";

/** Carries out what the coordinator orders: at once, each move id once, and of what overlaps one after the other. */
export interface Orders {
  carryOut(orders: readonly Order[]): void;
}

/** What orders are carried out with. */
export interface OrdersOptions {
  readonly incarnation: string;
  readonly shards: ShardTable;
  readonly tools: ChangeTools;
  readonly reporter: Reporter;
  /** Takes a range that this host does not serve. */
  readonly take: (order: Order & HandoffOrder) => Promise<void>;
  /** Asks the journal for the owners of what is served, and drops what others own. */
  readonly checkFences: () => Promise<void>;
  readonly ended: (kind: HandoffKind, outcome: HandoffOutcome) => void;
}

// Orders stand for a few seconds at most: none this old comes again.
const maxKnown = 1_024;
const maxWaiting = 256;

/** Makes them. */
export function makeOrders(options: OrdersOptions): Orders {
  return new HostOrders(options);
}

class HostOrders implements Orders {
  readonly #options: OrdersOptions;
  /** Move ids that are, or have been, carried out; the oldest first. */
  readonly #known = new Map<string, "running" | "done">();
  readonly #busy = new Set<SlotRange>();
  #waiting: Order[] = [];

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  carryOut(orders: readonly Order[]): void {
    for (const order of orders) {
      const { range, moveId } = order;
      if (range === undefined || this.#known.has(moveId)) continue;
      if (this.#isBusy(range)) this.#wait(order);
      else void this.#run({ ...order, range });
    }
  }

  #isBusy(range: SlotRange): boolean {
    for (const busy of this.#busy) if (rangesOverlap(busy, range)) return true;
    return false;
  }

  #wait(order: Order): void {
    const isThere = this.#waiting.some(({ moveId }) => moveId === order.moveId);
    if (!isThere && this.#waiting.length < maxWaiting) this.#waiting.push(order);
  }

  async #run(order: Order & HandoffOrder): Promise<void> {
    const { range, moveId } = order;
    this.#busy.add(range);
    this.#known.set(moveId, "running");
    try {
      await this.#start(order);
      this.#known.set(moveId, "done");
    } catch (error) {
      // It comes again with the next renewal.
      this.#known.delete(moveId);
      this.#options.reporter.warn("carrying out an order failed", { range: formatRange(range), error });
    }
    this.#busy.delete(range);
    this.#forget();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.carryOut(waiting);
  }

  #forget(): void {
    for (const [moveId, state] of this.#known) {
      if (this.#known.size <= maxKnown) return;
      if (state === "done") this.#known.delete(moveId);
    }
  }

  #start(order: Order & HandoffOrder): Promise<void> {
    switch (order.kind) {
      case OrderKind.ORDER_KIND_UNSPECIFIED:
      case OrderKind.ORDER_KIND_TAKE:
        return this.#take(order);
      case OrderKind.ORDER_KIND_SPLIT:
        return this.#hand("split", order, (shard) => splitShard(order, shard, this.#options.tools));
      case OrderKind.ORDER_KIND_MOVE:
        return this.#hand("move", order, (shard) => giveShard(order, shard, this.#options.tools));
      default:
        return this.#refuse(order, "an order of an unknown kind");
    }
  }

  async #take(order: Order & HandoffOrder): Promise<void> {
    const { shards, incarnation, take, checkFences, tools, ended } = this.#options;
    const shard = shards.at(order.range);
    if (shard?.row.moveId === order.moveId) return;
    if (shard === undefined || order.fromIncarnation !== incarnation) {
      // What is to be taken from another and is served here was lost without this host's knowing, or has come since.
      if (shards.overlaps(order.range)) await checkFences();
      if (!shards.overlaps(order.range)) return take(order);
      return this.#obsolete(order);
    }
    const outcome = await retakeShard(order, shard, tools);
    ended("retake", outcome);
    if (outcome.reason !== "") throw new Error(outcome.reason);
  }

  /** The journal says that this host has what another was thought to have. */
  #obsolete({ range }: Order & HandoffOrder): void {
    const { shards, reporter } = this.#options;
    const changing = shards.all.some((shard) => shard.seal.isSealed && rangesOverlap(shard.range, range));
    if (changing) throw new Error("the slots are changing hands");
    if (shards.at(range) === undefined) {
      reporter.warn("an order to take slots that are served in other ranges", { range: formatRange(range) });
    }
  }

  async #refuse(order: Order & HandoffOrder, reason: string): Promise<void> {
    this.#options.ended("move", refusedOutcome(order, reason));
  }

  async #hand(
    kind: "split" | "move",
    order: Order & HandoffOrder,
    carryOut: (shard: Shard) => Promise<HandoffOutcome>,
  ): Promise<void> {
    const { shards, incarnation, ended } = this.#options;
    const shard = shards.at(order.range);
    if (shard !== undefined) return ended(kind, await carryOut(shard));
    const isSplit = kind === "split" && shards.all.some(({ row }) => row.split && row.moveId === order.moveId);
    ended(kind, isSplit ? doneOutcome(order, 0) : refusedOutcome(order, `${incarnation} does not serve the range`));
  }
}
