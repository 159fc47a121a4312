import type { DatabaseSync, StatementSync } from "node:sqlite";
import { makeWatermarks, type WatermarkRow } from "../domain/watermarks.ts";
import type { ApplyBatch, ApplyOutcome, StoreRow } from "../store/store.ts";
import type { Engine, EngineKind } from "./engine-runner.ts";
import { packIds } from "./packed-ids.ts";
import { storeSchema } from "./store-schema.ts";

/** One operation on the store. */
export type StoreOp =
  | { readonly kind: "apply"; readonly batch: ApplyBatch }
  | { readonly kind: "forget"; readonly beforeTs: bigint; readonly limit: number };

/** Its outcome. */
export type StoreOutcome = ApplyOutcome | { readonly kind: "forgotten"; readonly rows: number };

/** The writing side of the store. */
export const storeKind: EngineKind<StoreOp, StoreOutcome> = { schema: storeSchema, makeEngine };

const tables = [
  { table: "state", key: "topic, kind, key" },
  { table: "members", key: "topic, user_id" },
  { table: "messages", key: "channel_id, message_id" },
  { table: "reactions", key: "channel_id, message_id, emoji_id, emoji_name, user_id" },
];

function makeEngine(db: DatabaseSync): Engine<StoreOp, StoreOutcome> {
  const watermarks = makeWatermarks(readWatermarks(db));
  const write = makeWrite(db);
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

/** The last seq that the rows hold of each channel. */
function lastSeqs(rows: readonly StoreRow[]): ReadonlyMap<bigint, bigint> {
  const seqs = new Map<bigint, bigint>();
  for (const row of rows) {
    if (row.kind !== "message" && row.kind !== "reaction") continue;
    if (row.seq > (seqs.get(row.channelId) ?? -1n)) seqs.set(row.channelId, row.seq);
  }
  return seqs;
}

function makeWrite(db: DatabaseSync): (row: StoreRow) => void {
  const upsert = (table: string, columns: string): StatementSync => {
    const names = columns.split(", ");
    const assignments = names.map((name) => `${name} = excluded.${name}`).join(", ");
    return db.prepare(
      `INSERT INTO ${table} (${columns}) VALUES (${names.map(() => "?").join(", ")})
       ON CONFLICT DO UPDATE SET ${assignments} WHERE excluded.ts >= ts`,
    );
  };
  const putState = upsert("state", "topic, kind, key, ts, deleted, value");
  const putMember = upsert("members", "topic, user_id, ts, deleted, value");
  const putMessage = upsert(
    "messages",
    "channel_id, message_id, ts, deleted, author_id, mention_ids, seq, open_json, reference_id",
  );
  const putReaction = upsert("reactions", "channel_id, message_id, emoji_id, emoji_name, user_id, ts, deleted, seq");
  const dropReactions = db.prepare("DELETE FROM reactions WHERE channel_id = ? AND message_id = ?");
  const nothing = new Uint8Array();

  return (row) => {
    const deleted = row.deleted ? 1 : 0;
    switch (row.kind) {
      case "state":
        putState.run(row.topic, row.stateKind, row.key, row.ts, deleted, row.deleted ? nothing : row.value);
        return;
      case "member":
        putMember.run(row.topic, row.userId, row.ts, deleted, row.deleted ? nothing : row.value);
        return;
      case "message": {
        const { channelId, messageId, ts, authorId, mentionIds, seq, referenceId } = row;
        const json = row.deleted ? nothing : row.openJson;
        putMessage.run(channelId, messageId, ts, deleted, authorId, packIds(mentionIds), seq, json, referenceId);
        // Ids of messages are not used again: nobody asks for the reactions of a deleted one.
        if (row.deleted) dropReactions.run(channelId, messageId);
        return;
      }
      case "reaction": {
        const { channelId, messageId, emojiId, emojiName, userId, ts, seq } = row;
        putReaction.run(channelId, messageId, emojiId, emojiName, userId, ts, deleted, seq);
        return;
      }
      default:
        row satisfies never;
    }
  };
}
