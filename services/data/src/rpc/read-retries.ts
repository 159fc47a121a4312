import { Record as JournalEntry, type ReadRetries, type Retries } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, toRange } from "./convert.ts";

/** Request ids and nonces of a range's latest records, with what they were answered. */
export async function readRetries({ journal }: DataContext, { range, sinceTs, after }: ReadRetries): Promise<Retries> {
  const { retries, next } = await journal.readRetries(toRange(range), clamped(sinceTs), after);
  return {
    retries: retries.map(({ topic, requestId, nonceKey, ts, bytes }) => ({
      topic,
      requestId,
      nonceKey,
      ts,
      result: JournalEntry.decode(bytes).result,
    })),
    next,
  };
}
