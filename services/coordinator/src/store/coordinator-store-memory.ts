import type { MapUpdate } from "@guildhall/slots";
import type { WorkerRow } from "../domain/worker-leases.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";

/** A store for simulations and tests: as durable as the object. */
export function makeMemoryCoordinatorStore(): CoordinatorStore {
  const workers = new Map<number, WorkerRow>();
  let map: MapUpdate = { version: 0, entries: [] };
  return {
    load: async () => ({ workers: [...workers.values()], map }),
    async save(changes) {
      for (const row of changes.workers ?? []) workers.set(row.workerId, row);
      if (changes.map !== undefined && changes.map.version > map.version) map = changes.map;
    },
    async [Symbol.asyncDispose]() {},
  };
}
