import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import { openStateFolder, stateVersion } from "../state/folder.ts";
import { type Manifest, verifyBackup } from "./manifest.ts";
import { bringIn } from "./replace-state.ts";

/** What a restoration is told of. */
export interface RestoreSteps {
  say(line: string): void;
  /** Stops everything that uses the state. */
  stop(): Promise<void>;
  /** Starts it again; rejects when it does not come to serve. */
  start(): Promise<void>;
}

/** Looks whether a backup can be restored here; throws REFUSED or STATE_VERSION with the reason. */
export function verifyForRestore(backup: string): Promise<Manifest> {
  return verifyBackup(backup, stateVersion);
}

/**
 * Puts a backup in the place of a folder's state; the old state stays beside it. Resolves with the folder in which it
 * is. When the new state does not come to serve the old one is put back and started, and the failure is thrown.
 */
export async function restoreState(state: string, backup: string, steps: RestoreSteps): Promise<string> {
  const manifest = await verifyForRestore(backup);
  steps.say(`${backup} is whole: ${manifest.files.length} files of ${manifest.madeAt}`);
  const incoming = await bringIn(state, backup, manifest, stampNow());
  try {
    await steps.stop();
  } catch (error) {
    incoming.discard();
    throw error;
  }
  try {
    incoming.swap();
    await steps.start();
  } catch (error) {
    const { code, message } = toGuildhallError(error);
    steps.say(`it did not start from the backup (${message}): the state before is put back`);
    await steps.stop();
    incoming.undo();
    await steps.start();
    throw new GuildhallError(code, `nothing was restored, the state before serves again: ${message}`, { cause: error });
  }
  incoming.commit();
  steps.say(`restored; the state before is in ${incoming.replaced}`);
  return incoming.replaced;
}

/** The same for a folder that no fleet runs on; it has the folder's lock meanwhile. */
export async function restoreOffline(state: string, backup: string, say: (line: string) => void): Promise<string> {
  using _folder = await openStateFolder(state);
  return await restoreState(state, backup, { say, stop: async () => {}, start: async () => {} });
}

/** Sorts by time, and can be part of a name anywhere. */
function stampNow(): string {
  return new Date().toISOString().replace(/[-:]/g, "").replace(/\..*/, "Z");
}
