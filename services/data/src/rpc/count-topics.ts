import type { CountTopics, TopicCounts } from "@guildhall/proto";
import { isShardCount } from "@guildhall/slots";
import type { DataContext } from "../context.ts";
import { badRequest } from "./convert.ts";

/** How many topics each shard of a fleet of `n` has. */
export async function countTopics({ journal }: DataContext, { n }: CountTopics): Promise<TopicCounts> {
  if (!isShardCount(n)) throw badRequest(`${n} is not a number of shards`);
  return { counts: [...(await journal.countTopics(n))] };
}
