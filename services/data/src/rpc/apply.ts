import type { Applied, Apply, EpochRecord } from "@guildhall/proto";
import type { ShardRange } from "@guildhall/slots";
import type { DataContext } from "../context.ts";
import { checked, fromEpochRow, toRange, toStoreRows } from "./convert.ts";

/** Writes rows and watermark to the store; pages in memory follow. */
export async function apply(context: DataContext, request: Apply): Promise<Applied> {
  const { store, pages, events } = context;
  const range = toRange(request.range);
  const rows = toStoreRows(request.rows);
  const batch = {
    range,
    epoch: request.epoch,
    rows,
    watermark: checked(request.watermark, "watermark"),
    applied: request.applied.map(({ topic, seq }) => ({ topic: checked(topic, "topic"), seq: checked(seq, "seq") })),
  };
  try {
    const outcome = await store.apply(batch);
    if (outcome.kind === "fenced") {
      events.applyFenced();
      return { of: { $case: "fenced", value: { owner: await ownerOf(context, range, outcome.epoch) } } };
    }
  } catch (error) {
    pages.forget(rows);
    throw error;
  }
  pages.applied(rows);
  return { of: { $case: "done", value: {} } };
}

/** The EPOCH that fenced a range off: the store knows its number, the journal the rest. */
async function ownerOf({ journal }: DataContext, range: ShardRange, epoch: number): Promise<EpochRecord> {
  const unnamed = { range, split: false, epoch, host: "", incarnation: "", moveId: "" };
  try {
    const rows = await journal.readEpochs(range);
    return fromEpochRow(rows.find((row) => row.epoch === epoch) ?? unnamed);
  } catch {
    return fromEpochRow(unnamed);
  }
}
