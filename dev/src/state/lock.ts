import { linkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { GuildhallError } from "@guildhall/errors";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import { identify, isAlive, type ProcessIdentity } from "./process-identity.ts";

/** What the lock file holds: who has the folder, and which processes it started there. */
interface LockContent {
  readonly owner: ProcessIdentity;
  readonly children: Readonly<Record<string, ProcessIdentity>>;
}

/** The right to run a fleet on a state folder; disposing gives it back. */
export interface StateLock extends Disposable {
  /** Notes the process that now runs under a name, so that a successor can wait for it. */
  record(name: string, pid: number): void;
}

/** Longer than a service's own deadline for stopping (10 s). */
const leftoverMs = 11_000;
const pollMs = 50;

/**
 * Takes the lock of a state folder. Throws GuildhallError BAD_CONFIG when a running fleet has it. The lock of a dead one
 * is taken over, after the processes it left behind are gone: they stop by themselves, or are killed after 11 s.
 */
export async function takeLock(folder: string, signal?: AbortSignal): Promise<StateLock> {
  const path = join(folder, "lock");
  const owner = identify(process.pid);
  if (owner === undefined) throw new GuildhallError("INTERNAL", "cannot tell when this process started");
  let content: LockContent = { owner, children: {} };
  const left = claim(folder, path, content);
  try {
    await gone(left, signal);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return {
    record(name, pid) {
      const identity = identify(pid);
      if (identity === undefined) return;
      content = { owner, children: { ...content.children, [name]: identity } };
      writeJsonFile(path, content);
    },
    [Symbol.dispose]() {
      if ((readJsonFile(path) as LockContent | undefined)?.owner.pid === process.pid) rmSync(path, { force: true });
    },
  };
}

/** Makes the lock file; returns the processes that a dead owner has left. */
function claim(folder: string, path: string, content: LockContent): readonly ProcessIdentity[] {
  const mine = join(folder, `lock.${process.pid}`);
  let left: readonly ProcessIdentity[] = [];
  writeFileSync(mine, JSON.stringify(content), { mode: 0o600 });
  try {
    while (!linked(mine, path)) {
      const found = readJsonFile(path) as LockContent | undefined;
      if (found !== undefined && isAlive(found.owner)) throw inUse(folder, found.owner.pid);
      left = Object.values(found?.children ?? {});
      removeStale(folder, path, `${mine}.stale`);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return left;
}

/** Moves a dead owner's file away, and back when another process has replaced it by its own meanwhile. */
function removeStale(folder: string, path: string, aside: string): void {
  renameIfThere(path, aside);
  const moved = readJsonFile(aside) as LockContent | undefined;
  if (moved !== undefined && isAlive(moved.owner)) {
    renameSync(aside, path);
    throw inUse(folder, moved.owner.pid);
  }
  rmSync(aside, { force: true });
}

function inUse(folder: string, pid: number): GuildhallError {
  const text = `another fleet (process ${pid}) runs on ${folder}: stop it, or choose another folder with --state DIR`;
  return new GuildhallError("BAD_CONFIG", text);
}

/** A hard link appears with its content or not at all; a file opened for writing would be empty at first. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function gone(processes: readonly ProcessIdentity[], signal: AbortSignal | undefined): Promise<void> {
  const untilMs = performance.now() + leftoverMs;
  let left = processes.filter(isAlive);
  while (left.length > 0) {
    if (performance.now() > untilMs) for (const { pid } of left) kill(pid);
    await delay(pollMs, undefined, signal === undefined ? {} : { signal });
    left = left.filter(isAlive);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
