import type { FleetDescription, ReshardStatus } from "@guildhall/proto";
import type { ShardRange } from "@guildhall/slots";
import type { CoordinatorStore } from "../store/coordinator-store.ts";
import type { EpochSource } from "./epoch-reader.ts";
import type { HostKey, Renewal } from "./hosts.ts";
import type { FleetSpec, OrderRow, PlannedMove, ReshardPlan } from "./kept.ts";
import type { MapDelta } from "./map-book.ts";
import type { ReshardVerb, TopicSource } from "./operations.ts";
import type { Given } from "./order-waits.ts";
import type { OrderEnd } from "./orders.ts";
import type { Clock, Timers } from "./time.ts";
import type { WorkerAsk, WorkerCounts } from "./worker-leases.ts";

/** What the coordinator uses. */
export interface CoordinatorPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Makes ids that are never used again. */
  readonly newId: () => string;
  readonly store: CoordinatorStore;
  readonly readEpochs: EpochSource;
  readonly countTopics: TopicSource;
  /** Hears of each failed reading of EPOCHs; it is tried again. */
  readonly onEpochFailure: (error: unknown) => void;
  /** Hears of each failed write, and of each failed counting of topics; both are tried again. */
  readonly onFailure: (error: unknown) => void;
  /** Hears of each order that ended, and how. */
  readonly onOrderEnded?: (end: OrderEnd) => void;
  /** Another coordinator has taken over: this one does nothing any more, and is to end. */
  readonly onDeposed: (error: Error) => void;
}

/** What a fleet is before anybody applied a spec, and how long load is measured before each decision on balance. */
export interface CoordinatorOptions {
  readonly shards: number;
  readonly hosts: readonly string[];
  /** Default 10 s. */
  readonly windowMs?: number;
}

/** What is known of worker ids, hosts and shards, for metrics and probes. */
export interface CoordinatorStatus {
  readonly workers: WorkerCounts;
  /** Hosts whose lease holds. */
  readonly hosts: number;
  readonly fleet: FleetDescription;
  /** Orders that are out, by kind. */
  readonly orders: Readonly<Record<OrderRow["kind"], number>>;
  readonly watchers: number;
  /** Whether owners are known from the journal; nothing is ordered before. */
  readonly epochsRead: boolean;
  /** How far the fleet's time is ahead of the machine's clock. */
  readonly aheadMs: number;
}

/** Somebody who follows the map. */
export interface MapWatch extends Disposable {
  /** What is news since the last taking; all of it the first time; undefined = nothing. */
  take(): MapDelta | undefined;
}

/** The coordinator: answers only after what it answers is durable. Everything rejects with FENCED once it is deposed. */
export interface Coordinator extends Disposable {
  leaseWorker(ask: WorkerAsk): Promise<{ workerId: number; ttlMs: number; nowMs: number }>;
  /** `ttlMs` 0: the lease holds, but proves nothing. */
  renewHost(renewal: Renewal): Promise<{ ttlMs: number; nowMs: number; orders: readonly OrderRow[] }>;
  awaitOrders(host: HostKey, seen: number, waitMs: number): Promise<Given>;
  applySpec(spec: FleetSpec): Promise<{ removableHosts: readonly string[]; reshard: ReshardStatus }>;
  describe(): FleetDescription;
  planReshard(to: number): Promise<ReshardPlan>;
  driveReshard(verb: ReshardVerb, dryRun: boolean): Promise<ReshardStatus>;
  moveShard(range: ShardRange, toHost: string, dryRun: boolean): Promise<{ moveId: string; fromHost: string }>;
  rebalance(dryRun: boolean): Promise<{ moves: readonly PlannedMove[]; reason: string }>;
  drainHost(host: string, change: "drain" | "cancel" | "none"): Promise<number>;
  /** `onChange` is called whenever the map changes. */
  watchMap(onChange: () => void): MapWatch;
  status(): CoordinatorStatus;
}
