import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { clearDamageMark } from "./damage-mark.ts";
import { EngineError } from "./engine-error.ts";
import type { EngineSchema } from "./engine-file.ts";
import type { Salvaged, SalvageReport } from "./salvage-report.ts";

/*
 * A damaged database is replaced in steps that can be taken again from the start, or from (3) on, wherever they end:
 *
 *   (1) the new file is made beside it, on disk     (2) the damaged one and its log get a second name
 *   (3) the report is written: from here on the new file is taken     (4) the log is removed, it would be read as the new one's
 *   (5) the new file takes the name     (6) the note of the damage is removed
 */

/**
 * Replaces the database at `path` by one that `fill` makes of what is left of it. The damaged one is kept, under a name
 * that the report tells. What `fill` throws leaves everything as it is.
 */
export function replaceDamaged(
  path: string,
  schema: EngineSchema,
  reason: string,
  fill: (db: DatabaseSync) => Salvaged,
): SalvageReport {
  const { fresh, pending } = besideOf(path);
  const unfinished = isUnfinished(path) ? readReport(pending) : undefined;
  const report = unfinished ?? makeFresh(path, schema, reason, { fresh, pending, fill });
  for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  renameSync(fresh, path);
  renameSync(pending, join(dirname(path), report.report));
  syncFile(dirname(path));
  clearDamageMark(path);
  return report;
}

/** Whether a salvage has still to take its last steps; those after the new file has its name are taken here. */
export function isUnfinished(path: string): boolean {
  const { fresh, pending } = besideOf(path);
  if (!existsSync(pending)) return false;
  if (existsSync(fresh)) return true;
  const report = readReport(pending);
  if (report !== undefined) renameSync(pending, join(dirname(path), report.report));
  clearDamageMark(path);
  return false;
}

/** The reports of all salvages of the database at `path`, the oldest first; one that is taken away is forgotten. */
export function readReports(path: string): readonly SalvageReport[] {
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const start = `${basename(path)}.damaged-`;
  const names = readdirSync(folder).filter((name) => name.startsWith(start) && name.endsWith(".json"));
  return names.sort().flatMap((name) => readReport(join(folder, name)) ?? []);
}

function besideOf(path: string): { readonly fresh: string; readonly pending: string } {
  return { fresh: `${path}.salvaging`, pending: `${path}.salvaged` };
}

function readReport(path: string): SalvageReport | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as SalvageReport;
  } catch {
    return undefined;
  }
}

interface Making {
  readonly fresh: string;
  readonly pending: string;
  readonly fill: (db: DatabaseSync) => Salvaged;
}

function makeFresh(
  path: string,
  schema: EngineSchema,
  reason: string,
  { fresh, pending, fill }: Making,
): SalvageReport {
  rmSync(fresh, { force: true });
  const salvaged = makeDatabase(fresh, schema, fill);
  const keptAs = keepAside(path);
  const name = basename(keptAs);
  const report: SalvageReport = { file: basename(path), reason, keptAs: name, report: `${name}.json`, ...salvaged };
  writeFileSync(pending, JSON.stringify(report, undefined, 2));
  syncFile(pending);
  syncFile(dirname(path));
  return report;
}

function makeDatabase(path: string, schema: EngineSchema, fill: (db: DatabaseSync) => Salvaged): Salvaged {
  const db = new DatabaseSync(path, { readBigInts: true });
  try {
    // Nobody uses it before it is synced as a whole.
    db.exec(`PRAGMA page_size = ${schema.pageSizeBytes}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF`);
    db.exec(`BEGIN; ${schema.tables}; PRAGMA user_version = ${schema.version}`);
    const salvaged = fill(db);
    db.exec("COMMIT");
    return salvaged;
  } finally {
    db.close();
    syncFile(path);
  }
}

/** Gives the damaged files second names; returns that of the database. */
function keepAside(path: string): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  for (let number = 1; number < 1_000; number += 1) {
    const name = `${path}.damaged-${time}${number === 1 ? "" : `-${number}`}`;
    if (existsSync(name) || existsSync(`${name}-wal`)) continue;
    if (existsSync(path)) linkSync(path, name);
    if (existsSync(`${path}-wal`)) linkSync(`${path}-wal`, `${name}-wal`);
    return name;
  }
  throw new EngineError("unavailable", `${path}: no name is left to keep the damaged file under`);
}

function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
