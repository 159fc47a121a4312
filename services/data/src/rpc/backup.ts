import type { Backup, BackupDone } from "@guildhall/proto";
import type { DataContext } from "../context.ts";

/** Copies store, journal and directory into a folder. */
export async function backup({ backUp }: DataContext, { folder }: Backup): Promise<BackupDone> {
  return { files: [...(await backUp(folder))] };
}
