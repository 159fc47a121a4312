import { existsSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { GuildhallError } from "@guildhall/errors";

/** The folder of the fleet's sockets. */
export interface SocketFolder extends Disposable {
  readonly path: string;
}

/** An address of a unix socket holds 107 bytes on Linux and 103 on macOS. */
const mostBytes = 100;
const longestName = "/coordinator-99.sock";
const prefix = "guildhall-";

/**
 * Makes the folder of the sockets. Where its path is too long for a socket's address it is a link to a short one among
 * the temporary files, removed when disposed.
 */
export function openSocketFolder(path: string): SocketFolder {
  clear(path);
  if (fits(path)) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { path, [Symbol.dispose]: () => clear(path) };
  }
  const short = mkdtempSync(join(tmpdir(), prefix));
  if (!fits(short)) {
    rmSync(short, { recursive: true });
    throw new GuildhallError("BAD_CONFIG", `${short} is too long for the sockets: set TMPDIR to a shorter path`);
  }
  symlinkSync(short, path);
  return { path: short, [Symbol.dispose]: () => clear(path) };
}

function fits(path: string): boolean {
  return Buffer.byteLength(path + longestName) <= mostBytes;
}

/** Removes what an earlier fleet has left, also the folder its link leads to. */
function clear(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isSymbolicLink()) {
    const target = readlinkSync(path);
    const isOurs = dirname(target) === tmpdir() && target.startsWith(join(tmpdir(), prefix));
    if (isOurs && existsSync(target)) rmSync(target, { recursive: true });
  }
  rmSync(path, { recursive: true, force: true });
}
