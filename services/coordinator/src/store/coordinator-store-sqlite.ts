import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { GuildhallError } from "@guildhall/errors";
import type { Change } from "../domain/kept.ts";
import type { CoordinatorStore } from "./coordinator-store.ts";
import { supersededBy } from "./coordinator-store-memory.ts";

const stateVersion = 2;
/** The database's file in the coordinator's folder. */
export const databaseFile = "coordinator.db";

const schema = `
  CREATE TABLE claims (only INTEGER PRIMARY KEY CHECK (only = 1), generation INTEGER NOT NULL) STRICT;
  INSERT INTO claims VALUES (1, 0);
  CREATE TABLE kept (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${stateVersion};
`;

// Version 1 had a table for worker ids and the whole map as one text.
const fromVersion1 = `
  ${schema}
  INSERT INTO kept SELECT 'worker', CAST(worker_id AS TEXT), json_object(
    'workerId', worker_id, 'process', process, 'incarnation', incarnation, 'highestTimeMs', highest_time_ms
  ) FROM workers;
  INSERT INTO kept SELECT 'map', '', json_object('version', version) FROM shard_map WHERE version > 0;
  INSERT INTO kept SELECT
    'entry', json_extract(e.value, '$.range.i') || '/' || json_extract(e.value, '$.range.n'), e.value
  FROM shard_map, json_each(shard_map.entries) AS e;
  DROP TABLE workers;
  DROP TABLE shard_map;
`;

// Another coordinator may hold the file for the length of one commit.
const busyTimeoutMs = 5_000;

/** A store in a file. */
export interface SqliteCoordinatorStore extends CoordinatorStore {
  readonly database: DatabaseSync;
}

/**
 * Opens `coordinator.db` in the folder, which is made when it is not there. Throws GuildhallError STATE_VERSION when a
 * later version of this program wrote it. Writes are few (a lease, a changed map), so they run on the event loop.
 */
export async function openSqliteCoordinatorStore(stateDir: string): Promise<SqliteCoordinatorStore> {
  mkdirSync(stateDir, { recursive: true });
  const path = join(stateDir, databaseFile);
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    inTransaction(database, () => prepareSchema(database, path));
  } catch (error) {
    database.close();
    throw error;
  }
  return makeStore(database);
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
  if (version === 0) database.exec(schema);
  else if (version === 1) database.exec(fromVersion1);
  else if (version !== stateVersion) {
    throw new GuildhallError("STATE_VERSION", `${path} has version ${version}; this program knows ${stateVersion}`);
  }
}

function makeStore(database: DatabaseSync): SqliteCoordinatorStore {
  const raise = database.prepare("UPDATE claims SET generation = generation + 1 RETURNING generation");
  const readGeneration = database.prepare("SELECT generation FROM claims");
  const readAll = database.prepare("SELECT kind, key, body FROM kept ORDER BY kind, key");
  const put = database.prepare(
    "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
  );
  const drop = database.prepare("DELETE FROM kept WHERE kind = ? AND key = ?");
  const current = (): number => Number(readGeneration.get()?.generation);
  return {
    database,
    claim: async () =>
      inTransaction(database, () => ({
        generation: Number(raise.get()?.generation),
        rows: readAll.all().map(toChange),
      })),
    async save({ expected, changes }) {
      inTransaction(database, () => {
        if (expected === 0 || current() !== expected) throw supersededBy(current(), expected);
        for (const { kind, key, row } of changes) {
          if (row === undefined) drop.run(kind, key);
          else put.run(kind, key, JSON.stringify(row));
        }
      });
    },
    generation: async () => current(),
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}

function toChange({ kind, key, body }: Record<string, unknown>): Change {
  return { kind, key, row: JSON.parse(String(body)) } as Change;
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
