import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { readDamageMark } from "./damage-mark.ts";
import { EngineError } from "./engine-error.ts";
import { openPageImages, type PageImages } from "./pages/page-images.ts";
import { isUnfinished } from "./replace-file.ts";

const changeCounterAt = 24;
const pageCountAt = 28;
const versionValidForAt = 92;
/** A file up to this size is looked through before it is used: some 15 ms. Larger ones are while they are used. */
const foregroundBytes = 16 * 1024 * 1024;

/**
 * Looks at the files of a database before SQLite does, which leaves out without a word what a damaged log holds. Takes no
 * longer for a large database. Throws EngineError `damaged`.
 */
export function checkFiles(path: string, pageSize: number): void {
  if (isUnfinished(path)) throw new EngineError("damaged", `${path}: its replacement was not brought to an end`);
  const reason = readDamageMark(path);
  if (reason !== undefined) throw new EngineError("damaged", reason);
  if (sizeOf(path) === 0) return;
  using images = openPageImages(path, pageSize);
  const { wal } = images;
  if (wal.damaged > 0) {
    throw new EngineError("damaged", `${path}-wal: ${wal.damaged} of the log's frames are damaged, others follow them`);
  }
  const missing = firstMissing(images);
  if (missing !== undefined) throw new EngineError("damaged", `${path}: page ${missing} is not in the file`);
}

/** Whether the whole of a database may be looked through before it is used. */
export function isSmall(path: string): boolean {
  return sizeOf(path) <= foregroundBytes;
}

/** Throws EngineError `damaged` when SQLite finds something wrong with the structure; `check` is the pragma that looks. */
export function checkStructure(db: DatabaseSync, path: string, check: "quick_check" | "integrity_check"): void {
  const [first] = db.prepare(`PRAGMA ${check}(1)`).all();
  const found = String(Object.values(first ?? {})[0]);
  if (found !== "ok") throw new EngineError("damaged", `${path}: ${found}`);
}

/** The first page that ought to be there by the last transaction, and is not. */
function firstMissing(images: PageImages): number | undefined {
  const inLog = new Set(images.wal.frames.flatMap(({ page, committed }) => (committed ? [page] : [])));
  const pages = images.wal.pagesAfter ?? pagesByHeader(images);
  for (let page = images.inFile + 1; page <= pages; page += 1) if (!inLog.has(page)) return page;
  return undefined;
}

function pagesByHeader(images: PageImages): number {
  const first = images.latest(1);
  if (first === undefined) return 1;
  const isValid = first.readUInt32BE(changeCounterAt) === first.readUInt32BE(versionValidForAt);
  return isValid ? first.readUInt32BE(pageCountAt) : 0;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
