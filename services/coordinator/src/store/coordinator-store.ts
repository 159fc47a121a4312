import type { MapUpdate } from "@guildhall/slots";
import type { WorkerRow } from "../domain/worker-leases.ts";

/** All that the coordinator keeps over restarts: who had which worker id, and the last published map. */
interface CoordinatorState {
  readonly workers: readonly WorkerRow[];
  readonly map: MapUpdate;
}

/** Where the coordinator's state rests. */
export interface CoordinatorStore extends AsyncDisposable {
  /** Everything kept; version 0 and no entries when no map was ever published. */
  load(): Promise<CoordinatorState>;
  /** Durable, and in one piece, when it resolves: rows by worker id, and the map unless its version is not above the kept one. */
  save(changes: { readonly workers?: readonly WorkerRow[]; readonly map?: MapUpdate }): Promise<void>;
}
