import type { Epochs, ReadEpochs } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { fromEpochRow, toRange } from "./convert.ts";

/** The EPOCH rows that overlap a range. */
export async function readEpochs({ journal }: DataContext, { range }: ReadEpochs): Promise<Epochs> {
  const rows = await journal.readEpochs(toRange(range));
  return { records: rows.map(fromEpochRow) };
}
