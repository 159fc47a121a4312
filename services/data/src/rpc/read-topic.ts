import type { ReadTopic, TopicRecords } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromPositioned } from "./convert.ts";

/** Records of a topic by seq. */
export async function readTopic({ journal }: DataContext, { topic, fromSeq, limit }: ReadTopic): Promise<TopicRecords> {
  const { records, floor } = await journal.readTopic(clamped(topic), clamped(fromSeq), limit);
  return { records: records.map(fromPositioned), floor };
}
