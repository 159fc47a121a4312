import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { StoreRow } from "../store/store.ts";
import { packIds } from "./packed-ids.ts";

/** The last seq that the rows hold of each channel. */
export function lastSeqs(rows: readonly StoreRow[]): ReadonlyMap<bigint, bigint> {
  const seqs = new Map<bigint, bigint>();
  for (const row of rows) {
    if (row.kind !== "message" && row.kind !== "reaction") continue;
    if (row.seq > (seqs.get(row.channelId) ?? -1n)) seqs.set(row.channelId, row.seq);
  }
  return seqs;
}

/** Writes rows; one that is older than what is there changes nothing. */
export function makeRowWriter(db: DatabaseSync): (row: StoreRow) => void {
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
