import { isGuildhallError } from "@guildhall/errors";
import type { HandoffOutcome, Order } from "@guildhall/proto";
import type { HostPorts } from "../ports.ts";
import type { FenceCheck } from "./fence-check.ts";
import type { HostConfig } from "./host-config.ts";
import type { JournalLatency } from "./journal-latency.ts";
import { makeShardLoads, type ShardLoads } from "./shard-load.ts";
import type { ShardTable } from "./shard-table.ts";
import { pause } from "./waiting.ts";

/** What a host and its coordinator tell each other. */
export interface Renewals extends Disposable {
  /** For how long (ms) the coordinator has known of the host, with or without anything to do for it. */
  readonly knownForMs: number;
  /** Something has changed: tells of it now, not in a second. */
  renew(): void;
  /** A move or split has ended: is told with every renewal until one is answered. */
  ended(outcome: HandoffOutcome): void;
}

/** What renewals are made of. */
export interface RenewalsOptions {
  readonly ports: Pick<HostPorts, "coordinator" | "clock" | "timers" | "statistics" | "reporter">;
  readonly config: HostConfig;
  readonly shards: ShardTable;
  readonly latency: JournalLatency;
  readonly fence: FenceCheck;
  readonly carryOut: (orders: readonly Order[]) => void;
}

const renewEveryMs = 1_000;
const maxOutcomes = 256;
// The coordinator answers as soon as there is an order, at the latest after this.
const awaitMs = 20_000;
const retryMs = 1_000;
// A coordinator that answers without orders before that is not asked again at once.
const quickMs = 100;

/** Makes them, and begins. */
export function makeRenewals(options: RenewalsOptions): Renewals {
  const renewals = new HostRenewals(options);
  renewals.renew();
  void renewals.awaitOrders();
  return renewals;
}

class HostRenewals implements Renewals {
  readonly #options: RenewalsOptions;
  readonly #loads: ShardLoads;
  readonly #timer: Disposable;
  #outcomes: HandoffOutcome[] = [];
  #isRenewing = false;
  #isDue = false;
  /** Whether the last renewal was answered: one that is not is told of once. */
  #reached = true;
  #disposed = false;
  #knownSinceMs: number | undefined;
  #cpu = { atMs: 0, seconds: 0, share: 0 };

  constructor(options: RenewalsOptions) {
    this.#options = options;
    const { clock, timers, statistics } = options.ports;
    this.#loads = makeShardLoads({ monotonicMs: () => clock.monotonicMs() });
    this.#cpu = { atMs: clock.monotonicMs(), seconds: statistics.cpuSeconds(), share: 0 };
    this.#timer = timers.every(renewEveryMs, () => this.renew());
  }

  get knownForMs(): number {
    const sinceMs = this.#knownSinceMs;
    return sinceMs === undefined ? 0 : this.#options.ports.clock.monotonicMs() - sinceMs;
  }

  renew(): void {
    if (this.#disposed) return;
    this.#isDue = true;
    if (!this.#isRenewing) void this.#renewWhileDue();
  }

  ended(outcome: HandoffOutcome): void {
    this.#outcomes.push(outcome);
    if (this.#outcomes.length > maxOutcomes) this.#outcomes.shift();
    this.renew();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer[Symbol.dispose]();
  }

  /** Asks for orders again and again: they come at once this way. */
  async awaitOrders(): Promise<void> {
    const { ports, config, carryOut } = this.#options;
    const { name: host, incarnation } = config;
    for (let seen = 0n; !this.#disposed; ) {
      const askedMs = ports.clock.monotonicMs();
      let pauseMs = 0;
      try {
        const ready = await ports.coordinator.awaitOrders({ host, incarnation, seen, waitMs: awaitMs });
        if (this.#disposed) return;
        seen = ready.seen;
        carryOut(ready.orders);
        if (ready.orders.length === 0 && ports.clock.monotonicMs() - askedMs < quickMs) pauseMs = quickMs;
      } catch {
        // Another coordinator counts anew; renewals tell that none is reached.
        seen = 0n;
        pauseMs = retryMs;
      }
      if (pauseMs > 0) await pause(pauseMs, ports.timers);
    }
  }

  async #renewWhileDue(): Promise<void> {
    this.#isRenewing = true;
    for (let tried = true; tried && this.#isDue && !this.#disposed; ) {
      this.#isDue = false;
      tried = await this.#renewOnce();
    }
    this.#isRenewing = false;
  }

  /** Tells the coordinator that the host lives and what it owns; takes its orders. */
  async #renewOnce(): Promise<boolean> {
    const { ports, config, shards, latency, fence, carryOut } = this.#options;
    const { name: host, address, incarnation, version } = config;
    const sentMs = ports.clock.monotonicMs();
    const outcomes = [...this.#outcomes];
    try {
      const { ttlMs, orders } = await ports.coordinator.renew({
        ...{ host, address, incarnation, outcomes, version },
        owned: [...new Set(shards.all.map(({ row }) => row))],
        shards: this.#loads.read(shards.all),
        cpuShare: this.#cpuShare(sentMs),
        memoryBytes: BigInt(Math.floor(ports.statistics.memoryBytes())),
        journalP99Ms: latency.p99Ms(),
        nowMs: BigInt(Math.floor(ports.clock.nowMs())),
      });
      if (this.#disposed) return false;
      this.#outcomes = this.#outcomes.filter((outcome) => !outcomes.includes(outcome));
      this.#reached = true;
      this.#knownSinceMs ??= sentMs;
      fence.renewed(sentMs, ttlMs);
      carryOut(orders);
      return true;
    } catch (error) {
      // Another incarnation of this host came after this one.
      if (isGuildhallError(error) && error.code === "FENCED") fence.renewed(sentMs, 0);
      // It goes on without: the journal decides who owns.
      if (this.#reached) ports.reporter.warn("renewing with the coordinator failed, is tried on", { error });
      this.#reached = false;
      return false;
    }
  }

  #cpuShare(nowMs: number): number {
    const { atMs } = this.#cpu;
    if (nowMs - atMs >= renewEveryMs / 2) {
      const seconds = this.#options.ports.statistics.cpuSeconds();
      this.#cpu = { atMs: nowMs, seconds, share: ((seconds - this.#cpu.seconds) / (nowMs - atMs)) * 1_000 };
    }
    return this.#cpu.share;
  }
}
