import { readFileSync, renameSync, writeFileSync } from "node:fs";

/**
 * Replaces a file's content in one step, readable by its owner only. Synchronous and small: what was decided is on disk
 * before anything else happens.
 */
export function writeJsonFile(path: string, content: unknown): void {
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
}

/** The content of a file, or undefined when it does not exist or is not JSON (a torn write of another program). */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
