import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** Where it is noted that the database at `path` turned out damaged while it was used: the next start salvages it. */
const markOf = (path: string): string => `${path}.damaged`;

/** Notes it; what cannot be noted is found again when the file is opened, or when it is read there again. */
export function markDamaged(path: string, reason: string): void {
  try {
    writeFileSync(markOf(path), reason);
  } catch {
    // The disk is full or not writable: the reason is in the log all the same.
  }
}

/** Why the database was noted as damaged; undefined when it was not. */
export function readDamageMark(path: string): string | undefined {
  return existsSync(markOf(path)) ? readFileSync(markOf(path), "utf8") : undefined;
}

/** Takes the note away. */
export function clearDamageMark(path: string): void {
  rmSync(markOf(path), { force: true });
}
