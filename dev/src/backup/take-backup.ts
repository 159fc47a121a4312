import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { BackupDone } from "@guildhall/proto";
import type { BackedUpFile } from "../control/api.ts";
import { writeJsonFile } from "../state/json-file.ts";
import { type backedUpParts, hashFile, type Manifest, makeManifest, manifestName } from "./manifest.ts";

/** Has a part copy its own files, or those of them that are named, into a folder, while it goes on. */
export type BackUpPart = (
  part: (typeof backedUpParts)[number],
  folder: string,
  names: readonly string[],
) => Promise<BackupDone>;

/** What a backup is made of. */
export interface BackupSource {
  readonly backUpPart: BackUpPart;
  /** Files of the state folder that are copied as they are, where they exist. */
  readonly plainFiles: readonly string[];
  /** The document in force. */
  readonly document: object;
  readonly facts: Omit<Manifest, "format" | "files" | "madeAt">;
}

/*
 * In which order, so that a restored fleet replays forward and never has to look back:
 *
 *   store        first: what it says is applied has been, to the accounts as well. The journal's copy holds all that the
 *                store's has not, as data trims nothing in between, and hosts apply it when they open their shards.
 *   accounts     after the store, so that no membership is missing that the store takes for applied; before the journal,
 *                as a membership's row knows the (epoch, seq) that it comes from and ignores lower ones: rows newer than
 *                the journal would make the accounts deaf to what the restored fleet decides next.
 *   journal      the truth: who owns what, and every event.
 *   directory    after the journal: it names every id of the journal's copy; what it names beyond that answers Unknown.
 *   coordinator  last: it starts from the journal's EPOCH rows and takes nobody's word over them.
 */
const steps = [
  { part: "data", names: ["store.db"] },
  { part: "user", names: [] },
  { part: "data", names: ["journal.db", "directory.db"] },
  { part: "coordinator", names: [] },
] as const;

/** Whether a backup can be put there: throws INVALID_FORM when something is there already. */
export function checkTarget(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && readdirSync(folder).length === 0)) return;
  const message = `${folder} exists already: name a folder that does not`;
  throw new GuildhallError("INVALID_FORM", message, { fields: [{ path: ["folder"], code: "INVALID_FORM", message }] });
}

/** Makes a backup in a folder that appears whole, or not at all. */
export async function takeBackup(folder: string, source: BackupSource): Promise<Manifest> {
  checkTarget(folder);
  const partial = join(dirname(folder), `.${basename(folder)}.partial-${process.pid}`);
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true, mode: 0o700 });
    const files: BackedUpFile[] = [];
    for (const step of steps) files.push(...(await copyPart(step, join(partial, step.part), source.backUpPart)));
    files.push(...(await copyPlain(partial, source)));
    const manifest = makeManifest({ ...source.facts, madeAt: new Date().toISOString(), files });
    writeJsonFile(join(partial, manifestName), manifest);
    await settle(partial);
    renameSync(partial, folder);
    await syncFolder(dirname(folder));
    return manifest;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    const failure = toGuildhallError(error);
    const text = `no backup was made in ${folder}: ${failure.message}`;
    throw new GuildhallError(failure.code, text, { cause: error, fields: failure.fields ?? [] });
  }
}

async function copyPart(
  { part, names }: (typeof steps)[number],
  folder: string,
  backUp: BackUpPart,
): Promise<BackedUpFile[]> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { files } = await backUp(part, folder, names);
  return files.map(({ name, bytes, sha256 }) => {
    const path = join(folder, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size !== Number(bytes)) throw new GuildhallError("INTERNAL", `${part} said that it had written ${path}`);
    chmodSync(path, 0o600);
    return { name: `${part}/${name}`, bytes: size, sha256 };
  });
}

async function copyPlain(partial: string, { plainFiles, document }: BackupSource): Promise<BackedUpFile[]> {
  writeJsonFile(join(partial, "shardset.json"), document);
  for (const file of plainFiles) {
    if (existsSync(file)) copyFileSync(file, join(partial, basename(file)));
  }
  const names = readdirSync(partial, { withFileTypes: true }).filter((entry) => entry.isFile());
  return await Promise.all(
    names.map(async ({ name }) => {
      const path = join(partial, name);
      chmodSync(path, 0o600);
      return { name, bytes: statSync(path).size, sha256: await hashFile(path) };
    }),
  );
}

/** Has all of a folder on disk before it gets its name. */
async function settle(folder: string): Promise<void> {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) await syncFolder(join(folder, name));
  await syncFolder(folder);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
