import type { ReadTail, Tail } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromPositioned, toRange } from "./convert.ts";

/** Records of a range after a position. */
export async function readTail({ journal }: DataContext, { range, after, limit }: ReadTail): Promise<Tail> {
  const { records, readTo, end } = await journal.readTail(toRange(range), clamped(after), limit);
  return { records: records.map(fromPositioned), readTo, end };
}
