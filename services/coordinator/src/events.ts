import { toGuildhallError } from "@guildhall/errors";
import type { Telemetry } from "@guildhall/telemetry";
import type { Coordinator } from "./domain/coordinator.ts";

/** Every metric and log event that the coordinator emits, beside those of its streams. */
export interface CoordinatorEvents {
  epochsUnread(error: unknown): void;
  /** Shows what the coordinator knows, whenever the metrics are read. */
  show(coordinator: Coordinator): void;
}

/** Declares them. */
export function makeCoordinatorEvents({ metrics, log }: Telemetry): CoordinatorEvents {
  const failures = metrics.counter("epoch_read_failures_total", "Readings of the EPOCHs that failed.", ["code"]);
  return {
    epochsUnread(error) {
      const { code, message } = toGuildhallError(error);
      failures.inc({ code });
      log[code === "BAD_CONFIG" ? "error" : "warn"]({ code }, `cannot read the EPOCHs, no orders yet: ${message}`);
    },
    show(coordinator) {
      const workers = metrics.gauge("worker_ids", "Worker ids, by state.", ["state"]);
      const hosts = metrics.gauge("hosts", "Hosts whose lease holds.");
      const shards = metrics.gauge("shards", "Shards that a live host owns, and those ordered.", ["state"]);
      const version = metrics.gauge("map_version", "Version of the published map.");
      const watchers = metrics.gauge("map_watchers", "Processes that follow the map.");
      const read = metrics.gauge("epochs_read", "Whether owners are known from the journal (1) or not yet (0).");
      metrics.beforeRead(() => {
        const status = coordinator.status();
        for (const [state, count] of Object.entries(status.workers)) workers.set({ state }, count);
        hosts.set(status.fleet.hosts);
        shards.set({ state: "owned" }, status.fleet.owned);
        shards.set({ state: "ordered" }, status.fleet.ordered);
        version.set(status.mapVersion);
        watchers.set(status.watchers);
        read.set(Number(status.epochsRead));
      });
    },
  };
}
