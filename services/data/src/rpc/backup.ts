import type { Backup, BackupDone } from "@guildhall/proto";
import type { DataContext } from "../context.ts";

/** Copies store, journal and directory, or those of them that are named, into a folder. */
export async function backup({ backUp }: DataContext, { folder, names }: Backup): Promise<BackupDone> {
  return { files: [...(await backUp(folder, names))] };
}
