import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { coordinatorStoreContract } from "./coordinator-store.contract.ts";
import { makeMemoryCoordinatorStore } from "./coordinator-store-memory.ts";
import { openSqliteCoordinatorStore } from "./coordinator-store-sqlite.ts";

describe("in memory", () => {
  let store = makeMemoryCoordinatorStore();
  beforeEach(() => {
    store = makeMemoryCoordinatorStore();
  });
  coordinatorStoreContract(async () => store);
});

describe("in SQLite", () => {
  const dirs: TempDir[] = [];
  const current = () => dirs.at(-1)?.path ?? "";
  beforeEach(() => void dirs.push(makeTempDir()));
  afterAll(() => {
    for (const dir of dirs) dir[Symbol.dispose]();
  });
  coordinatorStoreContract(() => openSqliteCoordinatorStore(join(current(), "coordinator")));

  test("takes over what version 1 kept", async () => {
    const database = new DatabaseSync(join(current(), "coordinator.db"));
    const entry = { range: { i: 1, n: 2 }, host: "guild-1", address: "guild-1:1", epoch: 4, incarnation: "b" };
    database.exec(`
      CREATE TABLE workers (
        worker_id INTEGER PRIMARY KEY, process TEXT NOT NULL, incarnation TEXT NOT NULL, highest_time_ms INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE shard_map (only INTEGER PRIMARY KEY, version INTEGER NOT NULL, entries TEXT NOT NULL) STRICT;
      INSERT INTO workers VALUES (7, 'api-0', 'a', 1760000000123);
      INSERT INTO shard_map VALUES (1, 9, '${JSON.stringify([entry])}');
      PRAGMA user_version = 1;
    `);
    database.close();
    await using store = await openSqliteCoordinatorStore(current());
    expect(await store.claim()).toEqual({
      generation: 1,
      rows: [
        { kind: "entry", key: "1/2", row: entry },
        { kind: "map", key: "", row: { version: 9 } },
        {
          kind: "worker",
          key: "7",
          row: { workerId: 7, process: "api-0", incarnation: "a", highestTimeMs: 1_760_000_000_123 },
        },
      ],
    });
  });

  test("refuses state that another version wrote", async () => {
    const database = new DatabaseSync(join(current(), "coordinator.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(openSqliteCoordinatorStore(current())).rejects.toMatchObject({ code: "STATE_VERSION" });
  });
});
