import type { Applied, Apply, EpochRecord } from "@guildhall/proto";
import type { EpochRow, ShardRange } from "@guildhall/slots";
import type { DataContext } from "../context.ts";
import { checked, countLeftOut, fromEpochRow, toRange, toStoreRows } from "./convert.ts";

/**
 * Writes rows and watermark to the store; pages in memory follow. The journal decides who may: a new owner has records
 * before it applies any, and a former one that knows of later positions by its other shards would claim those applied.
 */
export async function apply(context: DataContext, request: Apply): Promise<Applied> {
  const { store, pages, events } = context;
  const range = toRange(request.range);
  const owner = highestOf(await context.journal.readEpochs(range));
  if (owner !== undefined && owner.epoch > request.epoch) {
    events.applyFenced();
    return { of: { $case: "fenced", value: { owner: fromEpochRow(owner) } } };
  }
  const rows = toStoreRows(request.rows);
  if (rows.length < request.rows.length) events.rowsLeftOut(countLeftOut(request.rows));
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
      return { of: { $case: "fenced", value: { owner: unnamedOwner(range, outcome.epoch) } } };
    }
  } catch (error) {
    pages.forget(rows);
    throw error;
  }
  pages.applied(rows);
  return { of: { $case: "done", value: {} } };
}

function highestOf(rows: readonly EpochRow[]): EpochRow | undefined {
  return rows.reduce<EpochRow | undefined>((best, row) => (best && best.epoch >= row.epoch ? best : row), undefined);
}

/** The store knows the number of a higher epoch that the journal does not have (any more). */
function unnamedOwner(range: ShardRange, epoch: number): EpochRecord {
  return fromEpochRow({ range, split: false, epoch, host: "", incarnation: "", moveId: "" });
}
