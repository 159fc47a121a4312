import { formatRange } from "@guildhall/slots";
import { type BalanceDecision, decideBalance } from "./balance.ts";
import type { Decisions } from "./decisions.ts";
import { imbalanceOf } from "./greedy.ts";
import type { HostInfo, Hosts, Renewal } from "./hosts.ts";
import type { FleetSpec } from "./kept.ts";
import { makeLoads, type SmoothLoad, weigh } from "./loads.ts";
import type { Mover } from "./mover.ts";
import type { Orders } from "./orders.ts";
import type { Shard } from "./ownership.ts";
import type { Clock } from "./time.ts";

/** Keeps the hosts even. */
export interface Balancer {
  /** Takes in what a host says that its shards took on average over the last `ms`. */
  hear(renewal: Renewal, ms: number): void;
  divided(key: string, low: string, high: string): void;
  /** Something ended that a decision may have waited for. */
  wake(): void;
  /** Decides, when a window ended or something was waited for, and begins what is to be moved. */
  steer(hindrance: string): void;
  /** Balances now, until nothing helps any more; with `dryRun` only says what it would move. */
  ask(dryRun: boolean, hindrance: string): BalanceDecision;
  loadOf(key: string): SmoothLoad | undefined;
  /** What a shard weighs; all together about 1. */
  weightOf(key: string): number;
  /** The worst host divided by the mean, of those that may have shards and are there; 0 = there are none. */
  imbalance(): number;
}

/** What balancing goes by. */
export interface BalancerParts {
  readonly clock: Clock;
  readonly hosts: Hosts;
  readonly orders: Orders;
  readonly mover: Mover;
  readonly decisions: Decisions;
  readonly shards: () => readonly Shard[];
  readonly spec: () => FleetSpec;
  /** Hosts that may have shards. */
  readonly eligible: () => readonly string[];
  readonly windowMs: number;
}

// Who asked once does not want moves an hour later.
const askedForMs = 600_000;
const noLoad = {
  openTopics: 0,
  commandsPerS: 0,
  bytesPerS: 0,
  cpuShare: 0,
  memoryBytes: 0,
  lowPart: 0.5,
  busiestTopic: 0n,
  busiestPart: 0,
};

/** Makes the balancer, which knows no load yet. */
export function makeBalancer(parts: BalancerParts): Balancer {
  return new WindowedBalancer(parts);
}

class WindowedBalancer implements Balancer {
  readonly #parts: BalancerParts;
  readonly #loads = makeLoads();
  #weights = new Map<string, number>();
  #windowEndsMs: number;
  #isDue = false;
  #evening = false;
  #askedSinceMs: number | undefined;

  constructor(parts: BalancerParts) {
    this.#parts = parts;
    this.#windowEndsMs = parts.clock.monotonicMs() + parts.windowMs;
  }

  hear({ shards, cpuShare }: Renewal, ms: number): void {
    for (const { range, load } of shards) this.#loads.note(formatRange(range), load ?? noLoad, cpuShare, ms);
  }

  divided(key: string, low: string, high: string): void {
    this.#loads.divide(key, low, high);
    this.#weights.clear();
  }

  wake(): void {
    this.#isDue ||= this.#evening || this.#askedSinceMs !== undefined;
  }

  steer(hindrance: string): void {
    const { clock, windowMs } = this.#parts;
    if (clock.monotonicMs() >= this.#windowEndsMs) {
      this.#windowEndsMs = clock.monotonicMs() + windowMs;
      const keys = new Set(this.#parts.shards().map(({ key }) => key));
      this.#loads.roll((key) => keys.has(key));
      this.#weights.clear();
      this.#isDue = true;
    }
    if (!this.#isDue) return;
    this.#isDue = false;
    if (this.#askedSinceMs !== undefined && clock.nowMs() - this.#askedSinceMs > askedForMs) {
      this.#askedSinceMs = undefined;
    }
    this.#carryOut(this.#decide(hindrance, this.#askedSinceMs));
  }

  ask(dryRun: boolean, hindrance: string): BalanceDecision {
    const sinceMs = this.#parts.clock.nowMs();
    const decision = this.#decide(hindrance, sinceMs);
    if (dryRun) return decision;
    this.#askedSinceMs = sinceMs;
    this.#carryOut(decision);
    return decision;
  }

  loadOf(key: string): SmoothLoad | undefined {
    return this.#loads.of(key);
  }

  weightOf(key: string): number {
    const { shards, hosts } = this.#parts;
    const all = shards();
    if (this.#weights.size !== all.length) {
      this.#weights = weigh(new Map(all.map((shard) => [shard.key, this.#loads.of(shard.key)])), hosts.alive().length);
    }
    return this.#weights.get(key) ?? 1 / Math.max(1, all.length);
  }

  imbalance(): number {
    const { eligible, hosts, shards } = this.#parts;
    const sums = new Map<string, number>();
    for (const host of eligible()) if (hosts.current(host) !== undefined) sums.set(host, 0);
    for (const { key, row } of shards()) {
      const sum = sums.get(row?.host ?? "");
      if (row !== undefined && sum !== undefined) sums.set(row.host, sum + this.weightOf(key));
    }
    return sums.size === 0 ? 0 : imbalanceOf(sums);
  }

  #decide(hindrance: string, askedSinceMs: number | undefined): BalanceDecision {
    const { shards, spec, clock, mover, hosts, eligible } = this.#parts;
    const names = eligible().flatMap((name) => hosts.current(name) ?? []);
    const observation = {
      shards: shards().map((shard) => this.#observe(shard)),
      hosts: names.map(({ host, version }: HostInfo) => ({ name: host, version, running: mover.running(host) })),
      hindrance,
      evening: this.#evening,
      ...(askedSinceMs === undefined ? {} : { askedSinceMs }),
    };
    return decideBalance(observation, spec(), clock.nowMs());
  }

  #observe({ key, range, row }: Shard): Parameters<typeof decideBalance>[0]["shards"][number] {
    const { orders, mover } = this.#parts;
    const order = orders.on(range);
    const load = this.#loads.of(key);
    const rest = mover.restOf(key);
    return {
      key,
      range,
      host: order !== undefined && order.kind !== "split" ? order.toHost : (row?.host ?? ""),
      weight: this.weightOf(key),
      windows: load?.windows ?? 0,
      movedMs: rest?.movedMs ?? 0,
      notBeforeMs: rest?.notBeforeMs ?? 0,
      busy: order !== undefined || row === undefined,
      busiestTopic: String(load?.busiestTopic ?? 0n),
      busiestPart: load?.busiestPart ?? 0,
    };
  }

  #carryOut(decision: BalanceDecision): void {
    const { decisions, mover } = this.#parts;
    this.#evening = decision.evening;
    for (const { range, host, topic, ofMean } of decision.tooBig) {
      const reason = `it makes shard ${formatRange(range)} ${ofMean.toFixed(1)} × what a host should have`;
      decisions.note(`guild ${topic}`, `too big to help by moving, stays on ${host}`, reason);
    }
    if (decision.action === "nothing") {
      if (!decision.evening) this.#askedSinceMs = undefined;
      decisions.note("balance", "nothing", decision.reason);
    }
    for (const { range, fromHost, toHost, reason } of decision.moves) {
      const name = `${formatRange(range)} ${fromHost} → ${toHost}`;
      if (decision.action === "would move") {
        decisions.note("balance", `would move ${name}`, reason);
        continue;
      }
      const hindrance = mover.moveHindrance(range, toHost);
      decisions.note("balance", hindrance === undefined ? `move ${name}` : "nothing", hindrance?.reason ?? reason);
      if (hindrance === undefined) mover.move(range, toHost, "balance", reason);
    }
  }
}
