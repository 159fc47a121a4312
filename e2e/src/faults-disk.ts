import { execFileSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** A small disk of its own, on which nothing else writes; disposing takes it away. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Takes all the space that is left, but for `spareBytes`. */
  fill(spareBytes: number): void;
  /** Gives the space back. */
  free(): void;
}

const chunkBytes = 64 * 1024;

/** Mounts a disk of `sizeMiB` at `path`. Throws an error that says so where that is not permitted. */
export function mountSmallDisk(path: string, sizeMiB: number): SmallDisk {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  mount("-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=0700`, "tmpfs", path);
  const filler = join(path, "filler");
  return {
    path,
    fill(spareBytes) {
      const file = openSync(filler, "w");
      try {
        for (;;) writeSync(file, Buffer.alloc(chunkBytes, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        const { bavail, blocks, bsize } = statfsSync(path);
        if (bavail > 1) throw new Error(`of ${blocks} blocks ${bavail} are still free`, { cause: error });
        ftruncateSync(file, Math.max(0, statSync(filler).size - Math.ceil(spareBytes / bsize) * bsize));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => unmount(path),
  };
}

/** Makes a folder unwritable for everybody, root too, until it is disposed. Nobody may have a file there open to write. */
export function makeReadOnly(path: string): Disposable {
  mount("--bind", path, path);
  try {
    mount("-o", "remount,bind,ro", path);
  } catch (error) {
    unmount(path);
    throw error;
  }
  return { [Symbol.dispose]: () => unmount(path) };
}

function mount(...args: readonly string[]): void {
  try {
    execFileSync("mount", args, { stdio: "pipe" });
  } catch (error) {
    const why = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    const text = `this suite mounts a small disk of its own, which is not permitted here: run it as root, or in a container with CAP_SYS_ADMIN (mount: ${why})`;
    throw new Error(text, { cause: error });
  }
}

/** Lazily: a process that is still ending may have a file open. */
function unmount(path: string): void {
  execFileSync("umount", ["-l", path], { stdio: "pipe" });
}
