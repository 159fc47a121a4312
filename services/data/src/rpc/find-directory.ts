import type { DirectoryFound, FindDirectory } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { fromEntry } from "./put-directory.ts";

/** The directory entries that exist. */
export async function findDirectory({ directory }: DataContext, { keys }: FindDirectory): Promise<DirectoryFound> {
  const entries = await directory.find(keys);
  return { entries: entries.map(fromEntry) };
}
