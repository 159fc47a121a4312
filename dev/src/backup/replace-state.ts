import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackedUpFile } from "../control/api.ts";
import { readJsonFile, writeJsonFile } from "../state/json-file.ts";
import { backedUpParts, type Manifest, verifyFile } from "./manifest.ts";

/*
 * The state of a folder is replaced in steps that a kill at any moment leaves undoable:
 *
 *   incoming-T  is filled and checked while the old state serves
 *   restore.json  says what is about to be done           ◀─ from here on a start, or `undo`, puts the old state back
 *   data, user, …  go to replaced-T, what is in incoming-T takes their places
 *   restore.json  is removed, when the new state has served  ◀─ from here on the new state is the state
 */

/** State that is about to take the old one's place. */
export interface IncomingState {
  /** Where the old state goes. */
  readonly replaced: string;
  /** Puts the new state into its place; the processes do not run meanwhile. */
  swap(): void;
  /** The new state is good: it stays. */
  commit(): void;
  /** Puts the old state back, as far as it was moved. */
  undo(): void;
  /** Removes what was copied and never used. */
  discard(): void;
}

interface Note {
  readonly replaced: string;
  readonly incoming: string;
  /** Of `replacedNames`: those that were there before. */
  readonly existed: readonly string[];
}

const noteName = "restore.json";
/** Sessions are in no backup: what they had seen is not what the restored fleet knows. Their clients identify anew. */
const replacedNames = [...backedUpParts, "sessions", "demo.json"];

/** Copies a verified backup next to the state of a folder, and checks the copies. `stamp` tells it from other ones. */
export async function bringIn(
  state: string,
  backup: string,
  { files }: Manifest,
  stamp: string,
): Promise<IncomingState> {
  const incoming = join(state, `incoming-${stamp}`);
  const replaced = join(state, `replaced-${stamp}`);
  try {
    for (const part of backedUpParts) mkdirSync(join(incoming, part), { recursive: true, mode: 0o700 });
    // The document is for people to look at: what runs follows the fleet's own.
    for (const file of files.filter(({ name }) => name !== "shardset.json")) await bringFile(backup, incoming, file);
  } catch (error) {
    rmSync(incoming, { recursive: true, force: true });
    throw error;
  }
  const note: Note = { replaced, incoming, existed: replacedNames.filter((name) => existsSync(join(state, name))) };
  return {
    replaced,
    swap() {
      writeJsonFile(join(state, noteName), note);
      mkdirSync(replaced, { mode: 0o700 });
      for (const name of replacedNames) {
        if (existsSync(join(state, name))) renameSync(join(state, name), join(replaced, name));
        if (existsSync(join(incoming, name))) renameSync(join(incoming, name), join(state, name));
      }
      mkdirSync(join(state, "sessions"), { mode: 0o700 });
    },
    commit() {
      rmSync(join(state, noteName), { force: true });
      rmSync(incoming, { recursive: true, force: true });
    },
    undo: () => void undoReplacement(state),
    discard: () => rmSync(incoming, { recursive: true, force: true }),
  };
}

/** Puts the old state back where a replacement was begun and not ended. Returns whether there was one. */
export function undoReplacement(state: string): boolean {
  const note = readJsonFile(join(state, noteName)) as Note | undefined;
  for (const name of readdirSync(state).filter((name) => name.startsWith("incoming-") && note === undefined)) {
    // Copied, and never used.
    rmSync(join(state, name), { recursive: true, force: true });
  }
  if (note === undefined) return false;
  const { replaced, incoming, existed } = note;
  for (const name of replacedNames) {
    const isAside = existsSync(join(replaced, name));
    // What was there and is not aside was not moved yet.
    if (existed.includes(name) && !isAside) continue;
    rmSync(join(state, name), { recursive: true, force: true });
    if (isAside) renameSync(join(replaced, name), join(state, name));
  }
  rmSync(incoming, { recursive: true, force: true });
  if (existsSync(replaced) && readdirSync(replaced).length === 0) rmSync(replaced, { recursive: true });
  rmSync(join(state, noteName), { force: true });
  return true;
}

async function bringFile(backup: string, incoming: string, file: BackedUpFile): Promise<void> {
  const path = join(incoming, file.name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await copyFile(join(backup, file.name), path);
  await verifyFile(incoming, file);
  const handle = await open(path, "r+");
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
