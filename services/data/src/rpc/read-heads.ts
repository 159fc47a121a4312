import type { HeadList, ReadHeads } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromHead } from "./convert.ts";

/** Heads of topics; a topic that never had a record has none. */
export async function readHeads({ journal }: DataContext, { topics }: ReadHeads): Promise<HeadList> {
  const heads = await journal.readHeads(topics.map(clamped));
  return { heads: heads.map(fromHead) };
}
