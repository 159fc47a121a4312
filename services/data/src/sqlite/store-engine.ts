import type { DatabaseSync } from "node:sqlite";
import { makeWatermarks, type WatermarkRow } from "../domain/watermarks.ts";
import type { ApplyBatch, ApplyOutcome } from "../store/store.ts";
import type { Engine, EngineKind } from "./engine-runner.ts";
import { storeSchema } from "./store-schema.ts";
import { lastSeqs, makeRowWriter } from "./store-writer.ts";

/** One operation on the store. */
export type StoreOp =
  | { readonly kind: "apply"; readonly batch: ApplyBatch }
  | { readonly kind: "forget"; readonly beforeTs: bigint; readonly limit: number };

/** Its outcome. */
export type StoreOutcome = ApplyOutcome | { readonly kind: "forgotten"; readonly rows: number };

/** The writing side of the store. */
export const storeKind: EngineKind<StoreOp, StoreOutcome> = {
  schema: storeSchema,
  makeEngine,
  check: "quick_check",
  loadSalvage: async () => (await import("./salvage-store.ts")).salvageStore,
};

const tables = [
  { table: "state", key: "topic, kind, key" },
  { table: "members", key: "topic, user_id" },
  { table: "messages", key: "channel_id, message_id" },
  { table: "reactions", key: "channel_id, message_id, emoji_id, emoji_name, user_id" },
];

function makeEngine(db: DatabaseSync): Engine<StoreOp, StoreOutcome> {
  const watermarks = makeWatermarks(readWatermarks(db));
  const write = makeRowWriter(db);
  const putWatermark = db.prepare("INSERT OR REPLACE INTO watermarks (i, n, position, epoch) VALUES (?, ?, ?, ?)");
  const putApplied = db.prepare(
    "INSERT INTO applied (topic, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq",
  );
  const putChannel = db.prepare(
    "INSERT INTO channels (channel_id, seq) VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq",
  );
  const forgets = tables.map(({ table, key }) =>
    db.prepare(
      `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE deleted = 1 AND ts < ? LIMIT ?)`,
    ),
  );

  const apply = ({ range, epoch, rows, watermark, applied }: ApplyBatch): ApplyOutcome => {
    const fence = watermarks.fenceOf(range, epoch);
    if (fence !== undefined) return { kind: "fenced", epoch: fence };
    for (const row of rows) write(row);
    for (const [channelId, seq] of lastSeqs(rows)) putChannel.run(channelId, seq);
    for (const { topic, seq } of applied) putApplied.run(topic, seq);
    const row = watermarks.advance(range, epoch, watermark);
    if (row !== undefined) putWatermark.run(range.i, range.n, row.position, epoch);
    return { kind: "done" };
  };

  return {
    apply(op) {
      if (op.kind === "apply") return apply(op.batch);
      const rows = forgets.reduce((sum, forget) => sum + Number(forget.run(op.beforeTs, op.limit).changes), 0);
      return { kind: "forgotten", rows };
    },
  };
}

function readWatermarks(db: DatabaseSync): WatermarkRow[] {
  const rows = db.prepare("SELECT i, n, position, epoch FROM watermarks").all();
  return rows.map(({ i, n, position, epoch }) => ({
    range: { i: Number(i), n: Number(n) },
    position: position as bigint,
    epoch: Number(epoch),
  }));
}
