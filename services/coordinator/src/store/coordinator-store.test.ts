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

  test("refuses state that another version wrote", async () => {
    const database = new DatabaseSync(join(current(), "coordinator.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await expect(openSqliteCoordinatorStore(current())).rejects.toMatchObject({ code: "STATE_VERSION" });
  });
});
