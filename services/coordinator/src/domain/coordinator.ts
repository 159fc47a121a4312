import type { FleetDescription, ReshardStatus } from "@guildhall/proto";
import type { ShardRange } from "@guildhall/slots";
import { describeFleet, describeReshard } from "./describe.ts";
import { type EpochReader, makeEpochReader } from "./epoch-reader.ts";
import { Fleet } from "./fleet.ts";
import { type FleetTime, makeFleetTime } from "./fleet-time.ts";
import { type HostKey, hostLeaseTtlMs, type Renewal } from "./hosts.ts";
import { createKeeper, type Keeper } from "./keeper.ts";
import type { Change, FleetSpec, OrderRow, PlannedMove, ReshardPlan } from "./kept.ts";
import { type MapBook, makeMapBook } from "./map-book.ts";
import { makeOperations, type Operations, type ReshardVerb } from "./operations.ts";
import { type Given, makeOrderWaits, type OrderWaits } from "./order-waits.ts";
import type { Coordinator, CoordinatorOptions, CoordinatorPorts, CoordinatorStatus, MapWatch } from "./ports.ts";
import { makeWorkerLeases, type WorkerAsk, type WorkerLeases, workerLeaseTtlMs } from "./worker-leases.ts";

const tickMs = 250;
const confirmEveryMs = 1_000;
const flushEveryMs = 30_000;
const recountMs = 2_000;
const defaultWindowMs = 10_000;

/** Makes the coordinator from what its store kept; any other one of the same store is deposed by that. */
export async function createCoordinator(options: CoordinatorOptions, ports: CoordinatorPorts): Promise<Coordinator> {
  let coordinator: RunningCoordinator | undefined;
  const keeper = await createKeeper(ports.store, {
    beforeSave: (changes) => coordinator?.beforeSave(changes),
    afterSave: (changes) => coordinator?.saved(changes),
    onDeposed: (error) => coordinator?.deposed(error),
  });
  coordinator = new RunningCoordinator(options, ports, keeper);
  coordinator.start();
  return coordinator;
}

class RunningCoordinator implements Coordinator {
  readonly map: MapBook;
  readonly #ports: CoordinatorPorts;
  readonly #keeper: Keeper;
  readonly #fleet: Fleet;
  readonly #time: FleetTime;
  readonly #leases: WorkerLeases;
  readonly #waits: OrderWaits;
  readonly #operations: Operations;
  readonly #reader: EpochReader;
  readonly #watchers = new Set<() => void>();
  #timer: Disposable | undefined;
  #confirmAtMs = 0;
  #flushAtMs = 0;
  #countAtMs = 0;
  #disposed = false;

  constructor(
    { shards, hosts, windowMs = defaultWindowMs }: CoordinatorOptions,
    ports: CoordinatorPorts,
    keeper: Keeper,
  ) {
    const { newId, timers } = ports;
    this.#ports = ports;
    this.#keeper = keeper;
    this.#time = makeFleetTime({
      clock: ports.clock,
      keptUntilMs: keeper.get("time")?.untilMs ?? 0,
      hosts: keeper.get("spec")?.hosts.filter((host) => keeper.get("host", host)?.incarnation) ?? [],
      keep: (untilMs) => keeper.put("time", "", { untilMs }),
    });
    const { clock } = this.#time;
    this.map = makeMapBook(keeper);
    this.#fleet = new Fleet({
      clock,
      newId,
      keeper,
      map: this.map,
      shards,
      hosts,
      windowMs,
      onEnded: (end) => ports.onOrderEnded?.(end),
    });
    this.#leases = makeWorkerLeases({
      clock,
      rows: keeper.rows("worker").values(),
      keep: (row) => keeper.put("worker", String(row.workerId), row),
    });
    this.#waits = makeOrderWaits(this.#fleet.orders, timers);
    this.#operations = makeOperations(this.#fleet, ports.countTopics);
    this.#reader = makeEpochReader({
      clock,
      read: ports.readEpochs,
      isWanted: () => !this.#disposed && this.#fleet.wantsReading(),
      onRead: (rows, startedMs) => {
        if (this.#disposed) return;
        this.#fleet.learnEpochs(rows, startedMs);
        this.#saveSoon();
      },
      onFailure: (error) => {
        if (!this.#disposed) ports.onEpochFailure(error);
      },
    });
  }

  start(): void {
    this.#reader.poll();
    this.#saveSoon();
    this.#schedule();
  }

  async leaseWorker(ask: WorkerAsk): Promise<{ workerId: number; ttlMs: number; nowMs: number }> {
    this.#time.hear(ask.process, ask.nowMs);
    if (!ask.nowMs) this.#time.checkKnown();
    const workerId = this.#leases.lease(ask);
    this.#time.reserve();
    await this.#keeper.settle();
    return { workerId, ttlMs: workerLeaseTtlMs, nowMs: this.#time.toldMs() };
  }

  async renewHost(renewal: Renewal): Promise<{ ttlMs: number; nowMs: number; orders: readonly OrderRow[] }> {
    this.#time.hear(renewal.host, renewal.nowMs);
    this.#fleet.renew(renewal);
    this.#time.reserve();
    // What cannot be written now is not handed out, but the lease does not depend on it.
    await this.#keeper.settle().catch((error: unknown) => this.#failed(error));
    await this.#keeper.confirm();
    this.#waits.wake();
    const ttlMs = this.#fleet.isTrusted(renewal) ? hostLeaseTtlMs : 0;
    return { ttlMs, nowMs: this.#time.toldMs(), orders: this.#fleet.orders.for(renewal) };
  }

  async awaitOrders(host: HostKey, seen: number, waitMs: number): Promise<Given> {
    await this.#keeper.confirm();
    return this.#waits.wait(host, seen, waitMs);
  }

  async applySpec(spec: FleetSpec): Promise<{ removableHosts: readonly string[]; reshard: ReshardStatus }> {
    const removableHosts = this.#operations.applySpec(spec);
    await this.#settle();
    return { removableHosts, reshard: describeReshard(this.#fleet) };
  }

  describe(): FleetDescription {
    return describeFleet(this.#fleet, this.map.version);
  }

  async planReshard(to: number): Promise<ReshardPlan> {
    await this.#keeper.confirm();
    return this.#operations.planReshard(to);
  }

  async driveReshard(verb: ReshardVerb, dryRun: boolean): Promise<ReshardStatus> {
    await this.#operations.driveReshard(verb, dryRun);
    await this.#settle();
    return describeReshard(this.#fleet);
  }

  async moveShard(range: ShardRange, toHost: string, dryRun: boolean): Promise<{ moveId: string; fromHost: string }> {
    const accepted = this.#operations.moveShard(range, toHost, dryRun);
    await this.#settle();
    return accepted;
  }

  async rebalance(dryRun: boolean): Promise<{ moves: readonly PlannedMove[]; reason: string }> {
    const done = this.#operations.rebalance(dryRun);
    await this.#settle();
    return done;
  }

  async drainHost(host: string, change: "drain" | "cancel" | "none"): Promise<number> {
    const left = this.#operations.drainHost(host, change);
    await this.#settle();
    return left;
  }

  watchMap(onChange: () => void): MapWatch {
    let version = 0;
    this.#watchers.add(onChange);
    return {
      take: () => {
        const delta = this.map.since(version);
        version = this.map.version;
        return delta;
      },
      [Symbol.dispose]: () => void this.#watchers.delete(onChange),
    };
  }

  status(): CoordinatorStatus {
    const open = this.#fleet.orders.open();
    const count = (kind: OrderRow["kind"]): number => open.filter((order) => order.kind === kind).length;
    return {
      workers: this.#leases.counts(),
      hosts: this.#fleet.hosts.alive().length,
      fleet: this.describe(),
      orders: { take: count("take"), split: count("split"), move: count("move") },
      watchers: this.#watchers.size,
      epochsRead: this.#fleet.known,
      aheadMs: this.#time.aheadMs(),
    };
  }

  beforeSave(changes: readonly Change[]): void {
    this.map.beforeSave(changes);
    this.#time.extend();
  }

  saved(changes: readonly Change[]): void {
    for (const { kind, row } of changes) if (kind === "time" && row !== undefined) this.#time.saved(row.untilMs);
    if (this.map.afterSave(changes)) for (const watcher of [...this.#watchers]) watcher();
  }

  deposed(error: Error): void {
    if (this.#disposed) return;
    this[Symbol.dispose]();
    this.#ports.onDeposed(error);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
    this.#waits[Symbol.dispose]();
    this.#watchers.clear();
  }

  #schedule(): void {
    if (!this.#disposed) this.#timer = this.#ports.timers.after(tickMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    this.#fleet.tick();
    this.#reader.poll();
    if (nowMs >= this.#confirmAtMs) {
      this.#confirmAtMs = nowMs + confirmEveryMs;
      this.#keeper.confirm().catch((error: unknown) => this.#failed(error));
    }
    if (nowMs >= this.#flushAtMs) {
      this.#flushAtMs = nowMs + flushEveryMs;
      this.#keeper.flush().catch((error: unknown) => this.#failed(error));
    }
    if (nowMs >= this.#countAtMs) this.#planWanted(nowMs);
    this.#saveSoon();
    this.#schedule();
  }

  /** Counts the topics for a plan that is to be made. */
  #planWanted(nowMs: number): void {
    const to = this.#fleet.reshard.wantsPlan();
    if (to === undefined) return;
    this.#countAtMs = nowMs + recountMs;
    const plan = async (): Promise<void> => {
      this.#fleet.reshard.plan(await this.#ports.countTopics(to));
      this.#fleet.steer();
      await this.#settle();
    };
    plan().catch((error: unknown) => this.#failed(error));
  }

  async #settle(): Promise<void> {
    await this.#keeper.settle();
    await this.#keeper.confirm();
    this.#waits.wake();
  }

  #saveSoon(): void {
    if (this.#disposed) return;
    const save = this.#keeper.settle().then(() => this.#waits.wake());
    save.catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (!this.#disposed) this.#ports.onFailure(error);
  }
}
