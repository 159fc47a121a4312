import { toGuildhallError } from "@guildhall/errors";
import { type Clock, systemClock } from "@guildhall/lifecycle";
import type { Metrics, Telemetry } from "@guildhall/telemetry";
import type { OrderEnd } from "./domain/orders.ts";
import type { Coordinator, CoordinatorStatus } from "./domain/ports.ts";

/** Every metric and log event that the coordinator emits, beside those of its streams. */
export interface CoordinatorEvents {
  epochsUnread(error: unknown): void;
  /** A write, or the counting of topics, failed and is tried again. */
  failed(error: unknown): void;
  ended(end: OrderEnd): void;
  deposed(error: unknown): void;
  /** Shows what the coordinator knows, whenever the metrics are read. */
  show(coordinator: Coordinator): void;
}

const repeatMs = 30_000;

/** Declares them. */
export function makeCoordinatorEvents({ metrics, log }: Telemetry): CoordinatorEvents {
  const isNews = makeNews(systemClock);
  const unread = metrics.counter("epoch_read_failures_total", "Readings of the EPOCHs that failed.", ["code"]);
  const failures = metrics.counter("failures_total", "Writes and countings that failed and are tried again.", ["code"]);
  const ended = metrics.counter("orders_ended_total", "Orders that ended: of what kind, why, and how.", [
    "kind",
    "cause",
    "state",
  ]);
  const pauses = metrics.histogram("handoff_pause_seconds", "From the seal of a shard until its commands went on.", {
    labels: ["kind"],
  });
  return {
    ended({ order: { kind, cause }, state, pauseMs }) {
      ended.inc({ kind, cause, state });
      if (pauseMs > 0) pauses.observe({ kind }, pauseMs / 1_000);
    },
    epochsUnread(error) {
      const { code, message } = toGuildhallError(error);
      unread.inc({ code });
      if (isNews(`epochs ${message}`)) log.warn({ code }, `cannot read the EPOCHs, goes on trying: ${message}`);
    },
    failed(error) {
      const { code, message } = toGuildhallError(error);
      failures.inc({ code });
      if (isNews(message)) log.warn({ code }, `failed, is tried again: ${message}`);
    },
    deposed: (error) => log.error({ err: error }, "deposed: this coordinator does nothing any more"),
    show(coordinator) {
      const show = makeGauges(metrics);
      metrics.beforeRead(() => show(coordinator.status()));
    },
  };
}

/** Tells whether a text was not told within the last while: what is tried several times a second fails as often. */
function makeNews(clock: Pick<Clock, "monotonicMs">): (text: string) => boolean {
  let last = { text: "", atMs: Number.NEGATIVE_INFINITY };
  return (text) => {
    const nowMs = clock.monotonicMs();
    if (text === last.text && nowMs - last.atMs < repeatMs) return false;
    last = { text, atMs: nowMs };
    return true;
  };
}

function makeGauges(metrics: Metrics): (status: CoordinatorStatus) => void {
  const workers = metrics.gauge("worker_ids", "Worker ids, by state.", ["state"]);
  const hosts = metrics.gauge("hosts", "Hosts, by state.", ["state"]);
  const shards = metrics.gauge("shards", "Shards, by state.", ["state"]);
  const load = metrics.gauge("host_load", "A host's part of the load of the fleet.", ["host"]);
  const orders = metrics.gauge("orders", "Orders that are out, by kind.", ["kind"]);
  const imbalance = metrics.gauge("imbalance", "The worst host's load divided by the mean; 0 = not known yet.");
  const reshard = metrics.gauge("reshard", "1 for the phase of the reshard.", ["phase"]);
  const version = metrics.gauge("map_version", "Version of the published map.");
  const watchers = metrics.gauge("map_watchers", "Processes that follow the map.");
  const read = metrics.gauge("epochs_read", "Whether owners are known from the journal (1) or not yet (0).");
  const ahead = metrics.gauge("time_ahead_seconds", "How far the fleet's time is ahead of the machine's clock.");
  return (status) => {
    const { fleet } = status;
    ahead.set(status.aheadMs / 1_000);
    for (const [state, count] of Object.entries(status.workers)) workers.set({ state }, count);
    for (const [kind, count] of Object.entries(status.orders)) orders.set({ kind }, count);
    const countStates = (gauge: typeof hosts, states: readonly string[], all: readonly { state: string }[]): void => {
      for (const state of states) gauge.set({ state }, all.filter((one) => one.state === state).length);
    };
    countStates(hosts, ["Ready", "Draining", "Lapsed", "Absent"], fleet.hosts);
    countStates(shards, ["Serving", "Moving", "Splitting", "Ordered", "Lost"], fleet.shards);
    for (const host of fleet.hosts) load.set({ host: host.name }, host.load);
    for (const phase of ["Planned", "Splitting", "Moving", "Completed", "Cancelled", "Undone"]) {
      reshard.set({ phase }, Number(fleet.reshard?.phase === phase));
    }
    imbalance.set(fleet.imbalance);
    version.set(Number(fleet.mapVersion));
    watchers.set(status.watchers);
    read.set(Number(status.epochsRead));
  };
}
