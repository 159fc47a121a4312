import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GuildhallError } from "@guildhall/errors";
import type { MapEntry } from "@guildhall/slots";
import type { WorkerRow } from "../domain/worker-leases.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";

const stateVersion = 1;

const schema = `
  CREATE TABLE workers (
    worker_id INTEGER PRIMARY KEY,
    process TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    highest_time_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE shard_map (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL,
    entries TEXT NOT NULL
  ) STRICT;
  INSERT INTO shard_map VALUES (1, 0, '[]');
  PRAGMA user_version = ${stateVersion};
`;

const putWorker = `
  INSERT INTO workers VALUES (?, ?, ?, ?)
  ON CONFLICT (worker_id) DO UPDATE SET
    process = excluded.process, incarnation = excluded.incarnation, highest_time_ms = excluded.highest_time_ms
`;

/**
 * Opens `coordinator.db` in the folder, which is made when it is not there. Throws GuildhallError STATE_VERSION when
 * another version of this program wrote it. Writes are few (a lease, a changed map), so they run on the event loop.
 */
export async function openSqliteCoordinatorStore(stateDir: string): Promise<CoordinatorStore> {
  mkdirSync(stateDir, { recursive: true });
  const path = join(stateDir, "coordinator.db");
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;");
    prepareSchema(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
  return makeStore(database);
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version === 0) inTransaction(database, () => database.exec(schema));
  else if (version !== stateVersion) {
    throw new GuildhallError("STATE_VERSION", `${path} has version ${version}; this program knows ${stateVersion}`);
  }
}

function makeStore(database: DatabaseSync): CoordinatorStore {
  const readWorkers = database.prepare("SELECT * FROM workers ORDER BY worker_id");
  const readMap = database.prepare("SELECT version, entries FROM shard_map");
  const writeWorker = database.prepare(putWorker);
  const writeMap = database.prepare("UPDATE shard_map SET version = ?, entries = ? WHERE version < ?");
  return {
    async load() {
      const map = readMap.get();
      return {
        workers: readWorkers.all().map(toWorkerRow),
        map: { version: Number(map?.version), entries: JSON.parse(String(map?.entries)) as MapEntry[] },
      };
    },
    async save({ workers = [], map }) {
      inTransaction(database, () => {
        for (const row of workers) writeWorker.run(row.workerId, row.process, row.incarnation, row.highestTimeMs);
        if (map !== undefined) writeMap.run(map.version, JSON.stringify(map.entries), map.version);
      });
    },
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}

function toWorkerRow(row: Record<string, unknown>): WorkerRow {
  return {
    workerId: Number(row.worker_id),
    process: String(row.process),
    incarnation: String(row.incarnation),
    highestTimeMs: Number(row.highest_time_ms),
  };
}

function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    write();
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
