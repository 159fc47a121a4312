import type { MemberRow, MessageRow, ReactionRow, StateRow } from "../store/store.ts";
import { unpackIds } from "./packed-ids.ts";

/** A row as SQLite gives it. */
export type SqlRow = Record<string, unknown>;

/** Columns that `toMessage` reads. */
export const messageColumns = "channel_id, message_id, ts, author_id, mention_ids, seq, open_json, reference_id";

/** Columns that `toReaction` reads. */
export const reactionColumns = "channel_id, message_id, emoji_id, emoji_name, user_id, ts, seq";

/** Reads a state row that stands. */
export function toState(row: SqlRow): StateRow {
  return {
    kind: "state",
    ts: row.ts as bigint,
    deleted: false,
    topic: row.topic as bigint,
    stateKind: Number(row.kind),
    key: row.key as string,
    value: row.value as Uint8Array,
  };
}

/** Reads a member row that stands. */
export function toMember(row: SqlRow): MemberRow {
  return {
    kind: "member",
    ts: row.ts as bigint,
    deleted: false,
    topic: row.topic as bigint,
    userId: row.user_id as bigint,
    value: row.value as Uint8Array,
  };
}

/** Reads a message that stands. */
export function toMessage(row: SqlRow): MessageRow {
  return {
    kind: "message",
    ts: row.ts as bigint,
    deleted: false,
    channelId: row.channel_id as bigint,
    messageId: row.message_id as bigint,
    authorId: row.author_id as bigint,
    mentionIds: unpackIds(row.mention_ids as Uint8Array),
    seq: row.seq as bigint,
    openJson: row.open_json as Uint8Array,
    referenceId: row.reference_id as bigint,
  };
}

/** Reads a reaction that stands. */
export function toReaction(row: SqlRow): ReactionRow {
  return {
    kind: "reaction",
    ts: row.ts as bigint,
    deleted: false,
    channelId: row.channel_id as bigint,
    messageId: row.message_id as bigint,
    emojiId: row.emoji_id as bigint,
    emojiName: row.emoji_name as string,
    userId: row.user_id as bigint,
    seq: row.seq as bigint,
  };
}
