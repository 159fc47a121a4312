import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new empty folder (short enough a path for unix sockets); disposal removes it with all that is in it. */
export interface TempDir extends Disposable {
  readonly path: string;
}

/** Makes a folder of its own for a test. */
export function makeTempDir(): TempDir {
  const path = mkdtempSync(join(tmpdir(), "guildhall-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
