import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { EngineError } from "./engine-error.ts";
import { checkFiles } from "./file-check.ts";

/** How a database file is laid out and how durable its commits are. */
export interface EngineSchema {
  /** Kept as `PRAGMA user_version`; a file of another version is refused. */
  readonly version: number;
  readonly tables: string;
  readonly pageSizeBytes: number;
  /** FULL: durable when COMMIT returns. NORMAL: whole after a loss of power, but the last commits may be gone. */
  readonly synchronous: "FULL" | "NORMAL";
}

/** An open database file. */
export interface EngineFile extends Disposable {
  readonly db: DatabaseSync;
  /** Throws when the path no longer names the file that is open: what is written there would not be found again. */
  assertInPlace(): void;
}

/** Another process on the same folder (a replaced pod not yet gone) holds a lock for one commit at most. */
const busyTimeoutMs = 5_000;
const walLimitBytes = 64 * 1024 * 1024;
const synchronousNumber = { NORMAL: 1, FULL: 2 } as const;

/** Opens a database file, and makes folder and tables when there are none. Throws EngineError or what SQLite throws. */
export function openEngineFile(path: string, schema: EngineSchema): EngineFile {
  mkdirSync(dirname(path), { recursive: true });
  checkFiles(path, schema.pageSizeBytes);
  const db = new DatabaseSync(path, { timeout: busyTimeoutMs, readBigInts: true });
  try {
    prepare(db, path, schema);
    const opened = statSync(path).ino;
    return {
      db,
      assertInPlace() {
        const found = statSync(path, { throwIfNoEntry: false })?.ino;
        if (found !== opened) throw new EngineError("unavailable", `${path}: the open file is no longer at its path`);
      },
      [Symbol.dispose]: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: DatabaseSync, path: string, schema: EngineSchema): void {
  const version = numberOf(db, "PRAGMA user_version");
  const isNew = version === 0 && numberOf(db, "SELECT count(*) FROM sqlite_master") === 0;
  if (!isNew && version !== schema.version) {
    throw new EngineError("version", `${path} has version ${version}; this release reads version ${schema.version}`);
  }
  if (isNew) db.exec(`PRAGMA page_size = ${schema.pageSizeBytes}`);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec(`PRAGMA synchronous = ${schema.synchronous}`);
  // Checkpoints are made after the answers have gone out, not inside a commit.
  db.exec(`PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${walLimitBytes}`);
  assertDurable(db, path, schema);
  if (isNew) {
    db.exec(`BEGIN IMMEDIATE; ${schema.tables}; PRAGMA user_version = ${schema.version}; COMMIT`);
    syncFolder(dirname(path));
  }
}

function assertDurable(db: DatabaseSync, path: string, schema: EngineSchema): void {
  const mode = Object.values(db.prepare("PRAGMA journal_mode").get() ?? {})[0];
  const synchronous = numberOf(db, "PRAGMA synchronous");
  if (mode === "wal" && synchronous === synchronousNumber[schema.synchronous]) return;
  throw new EngineError("unavailable", `${path}: the file system does not support WAL (${mode}, ${synchronous})`);
}

/** The entry of a new file is durable only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function numberOf(db: DatabaseSync, sql: string): number {
  return Number(Object.values(db.prepare(sql).get() ?? {})[0]);
}
