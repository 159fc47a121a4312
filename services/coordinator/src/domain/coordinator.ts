import type { EpochRow, MapUpdate } from "@guildhall/slots";
import type { CoordinatorStore } from "../store/coordinator-store.ts";
import { type Fleet, type FleetCounts, makeFleet, type Order, type Renewal } from "./fleet.ts";
import { hostLeaseTtlMs } from "./host-leases.ts";
import type { Clock, Timers } from "./time.ts";
import {
  makeWorkerLeases,
  type WorkerAsk,
  type WorkerCounts,
  type WorkerLeases,
  workerLeaseTtlMs,
} from "./worker-leases.ts";

/** Reads the last EPOCHs of all slots from the journal. */
export type EpochSource = () => Promise<readonly EpochRow[]>;

/** What the coordinator uses. `onEpochFailure` hears of each failed reading of EPOCHs; it is tried again. */
export interface CoordinatorPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly newId: () => string;
  readonly store: CoordinatorStore;
  readonly readEpochs: EpochSource;
  readonly onEpochFailure: (error: unknown) => void;
}

/** What is known of worker ids, hosts and shards, for metrics and probes. */
interface CoordinatorStatus {
  readonly workers: WorkerCounts;
  readonly fleet: FleetCounts;
  readonly mapVersion: number;
  readonly watchers: number;
  /** Whether owners are known from the journal; nothing is ordered before. */
  readonly epochsRead: boolean;
}

/** The coordinator: answers only after what it answers is durable. */
export interface Coordinator extends Disposable {
  leaseWorker(ask: WorkerAsk): Promise<{ workerId: number; ttlMs: number; nowMs: number }>;
  renewHost(renewal: Renewal): Promise<{ ttlMs: number; nowMs: number; orders: Order[] }>;
  /** Hands over the published map now, when there is one, and each later one until disposed. */
  watchMap(onMap: (map: MapUpdate) => void): Disposable;
  status(): CoordinatorStatus;
}

const firstRetryMs = 100;
const lastRetryMs = 2_000;
// An order that stands this long may name an owner that is not the last one: the journal is asked again.
const staleOrderMs = 5_000;

/** Makes the coordinator of `shards` shards over `hosts`, from what its store kept. */
export async function createCoordinator(
  { shards, hosts }: { readonly shards: number; readonly hosts: readonly string[] },
  ports: CoordinatorPorts,
): Promise<Coordinator> {
  const { clock, newId, store } = ports;
  const state = await store.load();
  const leases = makeWorkerLeases({ clock, rows: state.workers });
  const fleet = makeFleet({ clock, newId, shards, hosts, map: state.map });
  const watchers = new Set<(map: MapUpdate) => void>();
  const saver = makeSaver(store, leases, fleet, state.map, (map) => {
    for (const watcher of watchers) watcher(map);
  });
  const reader = startEpochReader(ports, fleet);

  return {
    async leaseWorker(ask) {
      const workerId = leases.lease(ask);
      await saver.settle();
      return { workerId, ttlMs: workerLeaseTtlMs, nowMs: clock.nowMs() };
    },
    async renewHost(renewal) {
      const orders = fleet.renew(renewal);
      // A host's lease is not kept on disk: only a changed map is waited for, not what else cannot be written now.
      await saver.settleMap();
      return { ttlMs: hostLeaseTtlMs, nowMs: clock.nowMs(), orders };
    },
    watchMap(onMap) {
      watchers.add(onMap);
      if (saver.published().version > 0) onMap(saver.published());
      return { [Symbol.dispose]: () => void watchers.delete(onMap) };
    },
    status: () => ({
      workers: leases.counts(),
      fleet: fleet.counts(),
      mapVersion: saver.published().version,
      watchers: watchers.size,
      epochsRead: reader.done(),
    }),
    [Symbol.dispose]: () => reader[Symbol.dispose](),
  };
}

interface Saver {
  /** Resolves when all that has changed so far is durable; changes that come meanwhile share the next write. */
  settle(): Promise<void>;
  /** Resolves when the map as it is now is durable. */
  settleMap(): Promise<void>;
  /** The last durable map. */
  published(): MapUpdate;
}

function makeSaver(
  store: CoordinatorStore,
  leases: WorkerLeases,
  fleet: Fleet,
  loaded: MapUpdate,
  publish: (map: MapUpdate) => void,
): Saver {
  let published = loaded;
  let saving: Promise<void> | undefined;

  async function save(): Promise<void> {
    const workers = leases.unsaved();
    const map = fleet.map();
    const mapChanged = map.version > published.version;
    await store.save({ workers, ...(mapChanged ? { map } : {}) });
    leases.saved(workers);
    if (!mapChanged) return;
    published = map;
    publish(map);
  }

  function saveOnce(): Promise<void> {
    saving ??= save().finally(() => {
      saving = undefined;
    });
    return saving;
  }

  return {
    published: () => published,
    async settle() {
      while (leases.unsaved().length > 0 || fleet.map().version > published.version) await saveOnce();
    },
    async settleMap() {
      while (fleet.map().version > published.version) await saveOnce();
    },
  };
}

/** Reads the EPOCHs until that succeeds, and again whenever an order is not carried out. */
function startEpochReader(
  { timers, readEpochs, onEpochFailure }: CoordinatorPorts,
  fleet: Fleet,
): Disposable & { done(): boolean } {
  let done = false;
  let disposed = false;
  let retryMs = firstRetryMs;
  let timer: Disposable | undefined;

  const schedule = (ms: number): void => {
    if (!disposed) timer = timers.after(ms, () => void turn());
  };
  async function turn(): Promise<void> {
    if (done && fleet.oldestOrderMs() < staleOrderMs) return schedule(lastRetryMs);
    try {
      fleet.learnEpochs(await readEpochs());
      done = true;
      retryMs = lastRetryMs;
    } catch (error) {
      if (disposed) return;
      onEpochFailure(error);
      retryMs = Math.min(lastRetryMs, retryMs * 2);
    }
    schedule(retryMs);
  }
  void turn();
  return {
    done: () => done,
    [Symbol.dispose]() {
      disposed = true;
      timer?.[Symbol.dispose]();
    },
  };
}
