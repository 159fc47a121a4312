import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { BackedUpFile } from "../control/api.ts";
import { readJsonFile } from "../state/json-file.ts";

/** Format of a backup's folder; raised when an earlier Guildhall could not read what this one writes. */
const backupFormat = 1;
/** The list of what is in a backup, written last: a folder without it is none. */
export const manifestName = "manifest.json";

/** What a backup holds. */
export interface Manifest {
  readonly format: number;
  /** Of the state folder that it was made from. */
  readonly stateVersion: number;
  /** Of the Guildhall that made it. */
  readonly version: string;
  /** The fleet's name. */
  readonly fleet: string;
  readonly madeAt: string;
  /** Of its shards, when it was made. */
  readonly serving: number;
  /** Where clients reached it. */
  readonly api: string;
  readonly gateway: string;
  readonly files: readonly BackedUpFile[];
}

/** The parts whose state a backup holds. */
export const backedUpParts = ["data", "user", "coordinator"] as const;

const namePattern = /^((data|user|coordinator)\/[A-Za-z0-9][\w.-]{0,100}|demo\.json|shardset\.json)$/;
const hashPattern = /^[0-9a-f]{64}$/;

/** The manifest of what is in a folder now. */
export function makeManifest(facts: Omit<Manifest, "format">): Manifest {
  return { format: backupFormat, ...facts };
}

/**
 * The manifest of a backup of which every file is there, whole and unchanged. Throws GuildhallError REFUSED that says
 * what is wrong, STATE_VERSION for one that this version cannot read.
 */
export async function verifyBackup(folder: string, stateVersion: number): Promise<Manifest> {
  const manifest = readManifest(folder);
  if (manifest.format !== backupFormat || manifest.stateVersion !== stateVersion) {
    const text = `${folder} is of Guildhall ${manifest.version} (format ${manifest.format}, state ${manifest.stateVersion})`;
    throw new GuildhallError("STATE_VERSION", `${text}: this one reads format ${backupFormat}, state ${stateVersion}`);
  }
  for (const file of manifest.files) await verifyFile(folder, file);
  return manifest;
}

/** The SHA-256 of a file, in hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Throws GuildhallError REFUSED when a file of a backup is not as its manifest says. */
export async function verifyFile(folder: string, { name, bytes, sha256 }: BackedUpFile): Promise<void> {
  const path = join(folder, name);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) throw damaged(`${path} is missing`);
  if (!found.isFile()) throw damaged(`${path} is no file`);
  if (found.size !== bytes) throw damaged(`${path} has ${found.size} bytes, not ${bytes}`);
  const hash = await hashFile(path).catch((error: unknown) => {
    throw damaged(`${path} cannot be read: ${toGuildhallError(error).message}`);
  });
  if (hash !== sha256) throw damaged(`${path} is not what was backed up: its SHA-256 differs`);
}

function readManifest(folder: string): Manifest {
  const found = readJsonFile(join(folder, manifestName)) as Partial<Manifest> | undefined;
  if (found === undefined) throw new GuildhallError("REFUSED", `${folder} is no backup: it has no ${manifestName}`);
  const { format, stateVersion, version, files } = found;
  const isWhole =
    typeof format === "number" && typeof stateVersion === "number" && typeof version === "string" && isFileList(files);
  if (!isWhole) throw damaged(`${join(folder, manifestName)} is not a list of a backup's files`);
  const without = backedUpParts.find((part) => !files.some(({ name }) => name.startsWith(`${part}/`)));
  if (without !== undefined) throw damaged(`${folder} holds nothing of ${without}`);
  return found as Manifest;
}

function isFileList(files: unknown): files is readonly BackedUpFile[] {
  if (!Array.isArray(files)) return false;
  const names = new Set(files.map((file: Partial<BackedUpFile> | null) => file?.name));
  return (
    names.size === files.length &&
    files.every(({ name, bytes, sha256 }: Partial<BackedUpFile>) => {
      // A name leads to nowhere else, whoever wrote the list.
      const isNamed = typeof name === "string" && namePattern.test(name) && !name.includes("..");
      return isNamed && Number.isSafeInteger(bytes) && typeof sha256 === "string" && hashPattern.test(sha256);
    })
  );
}

function damaged(text: string): GuildhallError {
  return new GuildhallError("REFUSED", `${text}: nothing is restored from this backup`);
}
