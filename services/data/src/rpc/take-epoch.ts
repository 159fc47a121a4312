import type { EpochTaken, TakeEpoch } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { fromEpochRow, toEpochKey, toEpochRow } from "./convert.ts";

/** Decides an EPOCH. */
export async function takeEpoch({ journal }: DataContext, { record, prev }: TakeEpoch): Promise<EpochTaken> {
  const decision = await journal.takeEpoch({ ...toEpochRow(record), prev: prev && toEpochKey(prev) });
  if (decision.taken) return { taken: true, winner: undefined };
  return { taken: false, winner: decision.winner && fromEpochRow(decision.winner) };
}
