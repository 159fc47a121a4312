import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { backup as copyPages, DatabaseSync } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { BackupFile } from "@guildhall/proto";

/** All pages in one step: the copy is of one moment, and writers go on beside it. */
const allPages = 2 ** 31 - 1;
const busyTimeoutMs = 5_000;

/**
 * Copies SQLite databases into a folder, one after the other in the order given, while they are written to. Each copy is
 * whole, of the moment when its turn came, on disk when this resolves, and named as its original. Rejects with
 * INVALID_FORM when the folder is not absolute or holds a file of that name, STORE_UNAVAILABLE when it cannot be done.
 */
export async function backUpDatabases(paths: readonly string[], folder: string): Promise<readonly BackupFile[]> {
  if (!isAbsolute(folder)) throw new GuildhallError("INVALID_FORM", `${folder} is not an absolute path`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const path of paths) await refuseExisting(join(folder, basename(path)));
    const files: BackupFile[] = [];
    for (const path of paths) files.push(await backUpOne(path, folder));
    await syncToDisk(folder);
    return files;
  } catch (error) {
    if (isGuildhallError(error)) throw error;
    const reason = Error.isError(error) ? error.message : String(error);
    throw new GuildhallError("STORE_UNAVAILABLE", `cannot back up into ${folder}: ${reason}`, { cause: error });
  }
}

async function refuseExisting(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) throw new GuildhallError("INVALID_FORM", `${path} exists already`);
}

async function backUpOne(path: string, folder: string): Promise<BackupFile> {
  const name = basename(path);
  const partial = join(folder, `${name}.partial`);
  await rm(partial, { force: true });
  const source = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    await copyPages(source, partial, { rate: allPages });
  } finally {
    source.close();
  }
  await syncToDisk(partial);
  const { size } = await stat(partial);
  const hash = createHash("sha256");
  await pipeline(createReadStream(partial), hash);
  await rename(partial, join(folder, name));
  return { name, bytes: BigInt(size), sha256: hash.digest("hex") };
}

async function syncToDisk(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
