import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import type { BackupFile } from "@guildhall/proto";
import { backUpDatabases } from "@guildhall/rpc/backup";

/** Copies the databases into a folder. Rejects with QUEUE_FULL while that is under way, else as `backUpDatabases`. */
export type BackUp = (folder: string) => Promise<readonly BackupFile[]>;

/** What a backup holds up, from before its first file to after its last. */
export interface Pausable {
  pause(): Promise<Disposable>;
}

/**
 * The store first, so that the journal's copy holds all that the store's has not; nothing is trimmed meanwhile. The
 * directory last, so that it names every id of the journal's copy.
 */
const names = ["store.db", "journal.db", "directory.db"];

/** Makes the backup of a folder. */
export function makeBackUp(stateDir: string, trimming: Pausable): BackUp {
  let busy = false;
  return async (folder) => {
    if (busy) throw new GuildhallError("QUEUE_FULL", "a backup is under way", { retryAfterMs: 5_000 });
    busy = true;
    try {
      using _paused = await trimming.pause();
      return await backUpDatabases(
        names.map((name) => join(stateDir, name)),
        folder,
      );
    } finally {
      busy = false;
    }
  };
}
