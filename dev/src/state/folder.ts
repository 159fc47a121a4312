import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import { undoReplacement } from "../backup/replace-state.ts";
import { takeLock } from "./lock.ts";
import { openSocketFolder } from "./sockets.ts";

/** Version of everything below a state folder; raised when a later Guildhall could not read what this one writes. */
export const stateVersion = 1;

const parts = ["data", "user", "coordinator"];
/** What processes of a part share. */
const shared = ["sessions"];

/** A state folder that this process has to itself; disposing gives it back. */
export interface StateFolder extends Disposable {
  readonly path: string;
  /** A restoration was broken off here: the state before it was put back. */
  readonly isPutBack: boolean;
  /** Where the processes' sockets are. */
  readonly sockets: string;
  /** The folder of a part's state, or of what its processes share. */
  folderOf(part: string): string;
  /** A file directly in the folder. */
  file(name: string): string;
  /** Notes the process that now runs under a name, so that a successor can wait for it. */
  record(name: string, pid: number): void;
}

/**
 * Opens a state folder, made when it is not there. Throws GuildhallError STATE_VERSION when another version wrote it,
 * BAD_CONFIG when it cannot be used or a fleet runs on it.
 */
export async function openStateFolder(path: string, signal?: AbortSignal): Promise<StateFolder> {
  using stack = new DisposableStack();
  try {
    prepare(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof GuildhallError) throw error;
    throw new GuildhallError("BAD_CONFIG", `--state ${path}: ${message}`, { cause: error });
  }
  const lock = stack.use(await takeLock(path, signal));
  const isPutBack = undoReplacement(path);
  const sockets = stack.use(openSocketFolder(join(path, "run")));
  const owned = stack.move();
  return {
    path,
    isPutBack,
    sockets: sockets.path,
    folderOf: (part) => join(path, part),
    file: (name) => join(path, name),
    record: (name, pid) => lock.record(name, pid),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

function prepare(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  // Only a folder without anything of somebody else's is narrowed.
  if (readdirSync(path).length === 0 && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  checkVersion(path);
  for (const part of [...parts, ...shared]) mkdirSync(join(path, part), { recursive: true, mode: 0o700 });
}

function checkVersion(path: string): void {
  const file = join(path, "version");
  if (!existsSync(file)) {
    if (parts.some((part) => existsSync(join(path, part)))) throw otherVersion(path, "unknown");
    writeFileSync(file, `${stateVersion}\n`, { mode: 0o600 });
    return;
  }
  const found = readFileSync(file, "utf8").trim();
  if (found !== String(stateVersion)) throw otherVersion(path, found);
}

function otherVersion(path: string, found: string): GuildhallError {
  const text = `the state in ${path} has version ${found}, this Guildhall has version ${stateVersion}`;
  return new GuildhallError(
    "STATE_VERSION",
    `${text}: choose another folder with --state DIR, or run the version that made it`,
  );
}
