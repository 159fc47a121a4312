import { formatRange, type ShardRange } from "@guildhall/slots";
import type { HostKey, Hosts } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { FleetSpec, OrderCause, OrderRow, RestRow } from "./kept.ts";
import type { OrderEnd, Orders } from "./orders.ts";
import type { Ownership, Shard } from "./ownership.ts";
import type { Clock } from "./time.ts";

/*
 * One shard, for those who want it moved or split, is
 *
 *   ready ──begun──▶ busy ──done──▶ ready
 *                      ├──refused, lost: waits 0.5 s, twice as long each time, up to a minute──▶ ready
 *                      └──taken back: waits as long; for the third time in a row 10 minutes──▶ ready
 */

/** Why something cannot be begun now. `passing`: something is under way that ends by itself soon. */
export interface Hindrance {
  readonly reason: string;
  readonly passing: boolean;
}

/** Begins voluntary moves and splits, and remembers how those before ended. */
export interface Mover {
  /** Why a shard cannot be moved to a host now; undefined = it can. */
  moveHindrance(range: ShardRange, toHost: string): Hindrance | undefined;
  move(range: ShardRange, toHost: string, cause: OrderCause, reason: string): OrderRow;
  splitHindrance(range: ShardRange): Hindrance | undefined;
  split(range: ShardRange, reason: string): OrderRow;
  /** Takes in how an order ended. */
  ended(end: OrderEnd): void;
  restOf(key: string): RestRow | undefined;
  /** In how many moves a host takes part. */
  running(host: string): number;
}

/** What the mover goes by. */
export interface MoverParts {
  readonly clock: Clock;
  readonly keeper: Keeper;
  readonly hosts: Hosts;
  readonly orders: Orders;
  readonly ownership: Ownership;
  readonly spec: () => FleetSpec;
  readonly isDraining: (host: string) => boolean;
}

const firstBackoffMs = 500;
const lastBackoffMs = 60_000;
const maxTakeBacks = 3;
const restMs = 600_000;
/** With a slower journal no host begins to seal anything. */
const slowJournalMs = 20;

/** Makes the mover. */
export function makeMover(parts: MoverParts): Mover {
  return new CarefulMover(parts);
}

class CarefulMover implements Mover {
  readonly #parts: MoverParts;

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  moveHindrance(range: ShardRange, toHost: string): Hindrance | undefined {
    const { hosts, spec, isDraining } = this.#parts;
    const owner = this.#ownerOf(range);
    if ("reason" in owner) return owner;
    if (owner.host === toHost) return lasting(`${toHost} has it already`);
    if (!spec().hosts.includes(toHost)) return lasting(`${toHost} is not a host of the spec`);
    if (hosts.current(toHost) === undefined) return lasting(`${toHost} is not ready`);
    if (isDraining(toHost)) return lasting(`${toHost} is being drained`);
    const most = spec().movesPerHost;
    const full = [owner.host, toHost].find((name) => this.running(name) >= most);
    return full === undefined ? undefined : passing(`${full} takes part in ${most} moves already`);
  }

  move(range: ShardRange, toHost: string, cause: OrderCause, reason: string): OrderRow {
    const { hosts, orders, ownership } = this.#parts;
    const to = hosts.current(toHost);
    return orders.give({
      ...fromOwner(ownership.shard(range)),
      kind: "move",
      cause,
      range,
      toHost,
      toIncarnation: to?.incarnation ?? "",
      toAddress: to?.address ?? "",
      reason,
    });
  }

  splitHindrance(range: ShardRange): Hindrance | undefined {
    const owner = this.#ownerOf(range);
    if ("reason" in owner) return owner;
    const other = this.#parts.orders.open().find(({ kind, fromHost }) => kind === "split" && fromHost === owner.host);
    return other === undefined ? undefined : passing(`${owner.host} splits ${formatRange(other.range)}`);
  }

  split(range: ShardRange, reason: string): OrderRow {
    const from = fromOwner(this.#parts.ownership.shard(range));
    const { fromHost: toHost, fromIncarnation: toIncarnation } = from;
    const to = { toHost, toIncarnation, toAddress: "" };
    return this.#parts.orders.give({ ...from, ...to, kind: "split", cause: "reshard", range, reason });
  }

  ended({ order, state, reason }: OrderEnd): void {
    if (order.kind === "take") return;
    const key = formatRange(order.range);
    if (order.kind === "split" && state === "Done") this.#parts.keeper.drop("rest", key);
    else this.#parts.keeper.put("rest", key, this.#restAfter(order, state, reason));
  }

  restOf(key: string): RestRow | undefined {
    return this.#parts.keeper.get("rest", key);
  }

  running(host: string): number {
    const open = this.#parts.orders.open();
    return open.filter(({ kind, fromHost, toHost }) => kind === "move" && (fromHost === host || toHost === host))
      .length;
  }

  #restAfter({ range }: OrderRow, state: OrderEnd["state"], reason: string): RestRow {
    const nowMs = this.#parts.clock.nowMs();
    const before = this.restOf(formatRange(range));
    const fresh = { range, takeBacks: 0, refusals: 0, notBeforeMs: 0, movedMs: before?.movedMs ?? 0, reason: "" };
    if (state === "Done") return { ...fresh, movedMs: nowMs };
    const takeBacks = (before?.takeBacks ?? 0) + (state === "TakenBack" ? 1 : 0);
    const refusals = (before?.refusals ?? 0) + 1;
    if (takeBacks >= maxTakeBacks) {
      return { ...fresh, notBeforeMs: nowMs + restMs, reason: `it was taken back ${takeBacks} times and rests` };
    }
    const backoffMs = Math.min(lastBackoffMs, firstBackoffMs * 2 ** Math.min(10, refusals - 1));
    return { ...fresh, takeBacks, refusals, notBeforeMs: nowMs + backoffMs, reason };
  }

  /** The owner of a shard that something can be done with, else why nothing can. */
  #ownerOf(range: ShardRange): Hindrance | HostKey {
    const { ownership, hosts, orders, clock } = this.#parts;
    const name = formatRange(range);
    const shard = ownership.shard(range);
    if (shard === undefined) return lasting(`there is no shard ${name}`);
    const owner = shard.row;
    if (owner === undefined) return lasting(`nobody owns ${name}`);
    const order = orders.on(range);
    if (order !== undefined) return passing(`an order to ${order.kind} ${name} is out`);
    if (!hosts.isCurrent(owner) || !hosts.serves(shard)) return lasting(`${owner.host} does not serve ${name} now`);
    const rest = this.restOf(name);
    if (rest !== undefined && clock.nowMs() < rest.notBeforeMs) {
      return lasting(`${name} waits until ${atTime(rest.notBeforeMs)}: ${rest.reason}`);
    }
    const p99Ms = hosts.current(owner.host)?.journalP99Ms ?? 0;
    return p99Ms > slowJournalMs
      ? lasting(`the journal is slow at ${owner.host}: p99 above ${slowJournalMs} ms`)
      : owner;
  }
}

const lasting = (reason: string): Hindrance => ({ reason, passing: false });
const passing = (reason: string): Hindrance => ({ reason, passing: true });

const utcTime = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", timeStyle: "medium" });

/** A Unix time as text, e.g. "13:37:00 UTC". */
function atTime(ms: number): string {
  return `${utcTime.format(ms)} UTC`;
}

function fromOwner(shard: Shard | undefined): Pick<OrderRow, "fromHost" | "fromIncarnation" | "epoch"> {
  const row = shard?.row;
  return { fromHost: row?.host ?? "", fromIncarnation: row?.incarnation ?? "", epoch: row?.epoch ?? 0 };
}
