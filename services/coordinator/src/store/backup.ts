import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { backup, type DatabaseSync } from "node:sqlite";
import { GuildhallError } from "@guildhall/errors";
import type { BackupFile } from "@guildhall/proto";
import { databaseFile } from "./coordinator-store-sqlite.ts";

/**
 * Copies the database, as it is at one moment, into a folder, which is made when it is not there. Throws GuildhallError
 * REFUSED when the folder is not an absolute path or has such a file already.
 */
export async function backUp(database: DatabaseSync, folder: string): Promise<BackupFile[]> {
  if (!isAbsolute(folder)) throw new GuildhallError("REFUSED", `${folder} is not an absolute path`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, databaseFile);
  if (existsSync(path)) throw new GuildhallError("REFUSED", `${path} is there already`);
  await backup(database, path);
  return [{ name: databaseFile, bytes: BigInt(statSync(path).size), sha256: await hashOf(path) }];
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
