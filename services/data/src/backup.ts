import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import type { Timers } from "@guildhall/lifecycle";
import type { BackupFile } from "@guildhall/proto";
import { backUpDatabases } from "@guildhall/rpc/backup";

/**
 * Copies the databases that are named into a folder; none = all. Rejects with QUEUE_FULL while that is under way,
 * INVALID_FORM for a name that is none, else as `backUpDatabases`.
 */
export type BackUp = (folder: string, names: readonly string[]) => Promise<readonly BackupFile[]>;

/** What a backup holds up, from before its first file to after its last. */
export interface Pausable {
  pause(): Promise<Disposable>;
}

/**
 * The store first, so that the journal's copy holds all that the store's has not; nothing is trimmed until that is made.
 * The directory last, so that it names every id of the journal's copy.
 */
const order = ["store.db", "journal.db", "directory.db"] as const;
/** How long nothing is trimmed after the store was copied and the journal was not. */
const holdMs = 10 * 60_000;

/** Makes the backup of a folder. Disposing it lets trimming go on. */
export function makeBackUp(stateDir: string, trimming: Pausable, timers: Timers): BackUp & Disposable {
  let busy = false;
  let hold: Disposable | undefined;

  const release = (): void => {
    hold?.[Symbol.dispose]();
    hold = undefined;
  };
  /** Goes on holding trimming up for whoever comes for the journal. */
  const keep = (pause: Disposable): void => {
    release();
    const timer = timers.after(holdMs, release);
    hold = {
      [Symbol.dispose]() {
        timer[Symbol.dispose]();
        pause[Symbol.dispose]();
      },
    };
  };
  const copy = async (folder: string, names: readonly string[]): Promise<readonly BackupFile[]> => {
    const pause = await trimming.pause();
    let isFollowed = false;
    try {
      const files = await backUpDatabases(
        names.map((name) => join(stateDir, name)),
        folder,
      );
      isFollowed = names.includes("store.db") && !names.includes("journal.db");
      if (isFollowed) keep(pause);
      else if (names.includes("journal.db")) release();
      return files;
    } finally {
      if (!isFollowed) pause[Symbol.dispose]();
    }
  };
  const backUp: BackUp = async (folder, names) => {
    const unknown = names.find((name) => !order.some((known) => known === name));
    if (unknown !== undefined) throw new GuildhallError("INVALID_FORM", `${unknown} is none of ${order.join(", ")}`);
    if (busy) throw new GuildhallError("QUEUE_FULL", "a backup is under way", { retryAfterMs: 5_000 });
    busy = true;
    try {
      return await copy(
        folder,
        order.filter((name) => names.length === 0 || names.includes(name)),
      );
    } finally {
      busy = false;
    }
  };
  return Object.assign(backUp, { [Symbol.dispose]: release });
}
