import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { accountsContract } from "./accounts.contract.ts";
import { openAccountsSqlite } from "./accounts-sqlite.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "guildhall-accounts-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

accountsContract("SQLite", () => openAccountsSqlite(folder));

test("refuses a database of another schema version by name", () => {
  openAccountsSqlite(folder)[Symbol.dispose]();
  const database = new DatabaseSync(join(folder, "accounts.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => openAccountsSqlite(folder)).toThrow(expect.objectContaining({ code: "STATE_VERSION" }));
});

test("writes ahead to a log, so that readers do not wait for writers", () => {
  using accounts = openAccountsSqlite(folder);
  expect(accounts.headSeq(1n)).toBe(0n);
  const database = new DatabaseSync(join(folder, "accounts.db"));
  expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  database.close();
});
