import type { DataClient } from "@guildhall/rpc";
import type { TopicSource } from "../domain/operations.ts";

const timeoutMs = 10_000;

/** Counts the topics of each of `n` shards, at `data`. */
export function makeTopicSource(data: DataClient): TopicSource {
  return async (n) => {
    const { counts } = await data.call("countTopics", { n }, { timeoutMs });
    return counts.map(Number);
  };
}
