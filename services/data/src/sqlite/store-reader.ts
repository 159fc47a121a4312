import type { ShardRange } from "@guildhall/slots";
import { type RangeWatermark, widening } from "../domain/watermarks.ts";
import type {
  MemberRow,
  MessageRow,
  MessageScan,
  ReactionKey,
  ReactionRow,
  RowPage,
  ScannedMessages,
  StateRow,
} from "../store/store.ts";
import type { EngineReader } from "./engine-reader.ts";
import {
  messageColumns,
  reactionColumns,
  type SqlRow,
  toMember,
  toMessage,
  toReaction,
  toState,
} from "./store-rows.ts";

const pageBytes = 2 * 1024 * 1024;
const pageReactions = 10_000;
const maxMembers = 1_000;

/** The watermark of a range, or of the nearest one it was split from. */
export function readWatermark(reader: EngineReader, range: ShardRange): RangeWatermark {
  return reader.read((prepare) => {
    const select = prepare("SELECT position, epoch FROM watermarks WHERE i = ? AND n = ?");
    for (const { i, n } of widening(range)) {
      const row = select.get(i, n);
      if (row !== undefined) return { position: row.position as bigint, epoch: Number(row.epoch) };
    }
    return { position: 0n, epoch: 0 };
  });
}

/** State rows that stand but those of kind `without`, by (kind, key), cut at a size. */
export function loadState(
  reader: EngineReader,
  topic: bigint,
  without: number,
  after: string,
): RowPage<StateRow> & { readonly appliedSeq: bigint } {
  const [, kind = "0", key = ""] = /^(\d{1,9})\.(.*)$/s.exec(after) ?? [];
  return reader.read((prepare) => {
    // First, so that the rows are never older than it says.
    const applied = prepare("SELECT seq FROM applied WHERE topic = ?").get(topic)?.seq as bigint | undefined;
    const appliedSeq = applied ?? 0n;
    const found = prepare(
      `SELECT topic, kind, key, ts, value FROM state
       WHERE topic = ? AND (kind, key) > (?, ?) AND kind <> ? AND deleted = 0 ORDER BY kind, key`,
    ).iterate(topic, BigInt(kind), key, without);
    const rows: StateRow[] = [];
    let size = 0;
    for (const row of found) {
      const last = rows.at(-1);
      if (last !== undefined && size >= pageBytes) return { rows, next: `${last.stateKind}.${last.key}`, appliedSeq };
      const state = toState(row);
      rows.push(state);
      size += state.value.length;
    }
    return { rows, next: "", appliedSeq };
  });
}

/** The members asked for that exist. */
export function loadMembers(reader: EngineReader, topic: bigint, userIds: readonly bigint[]): readonly MemberRow[] {
  return reader.read((prepare) => {
    const select = prepare(
      "SELECT topic, user_id, ts, value FROM members WHERE topic = ? AND user_id = ? AND deleted = 0",
    );
    return userIds.flatMap((userId) => one(select.get(topic, userId), toMember));
  });
}

/** Members above an id, ascending. */
export function listMembers(reader: EngineReader, topic: bigint, after: bigint, limit: number): readonly MemberRow[] {
  return reader.read((prepare) =>
    prepare(
      `SELECT topic, user_id, ts, value FROM members
       WHERE topic = ? AND user_id > ? AND deleted = 0 ORDER BY user_id LIMIT ?`,
    )
      .all(topic, after, limit > 0 ? Math.min(limit, maxMembers) : maxMembers)
      .map(toMember),
  );
}

/** A message that stands. */
export function readMessage(reader: EngineReader, channelId: bigint, messageId: bigint): MessageRow | undefined {
  return reader.read((prepare) => {
    const row = prepare(
      `SELECT ${messageColumns} FROM messages WHERE channel_id = ? AND message_id = ? AND deleted = 0`,
    ).get(channelId, messageId);
    return row === undefined ? undefined : toMessage(row);
  });
}

/** Messages on one side of an id, nearest first. */
export function scanMessages(reader: EngineReader, { channelId, side, of, limit }: MessageScan): ScannedMessages {
  const [compare, order] = side === "older" ? ["<", "DESC"] : [">", "ASC"];
  return reader.read((prepare) => {
    const seq = prepare("SELECT seq FROM channels WHERE channel_id = ?").get(channelId)?.seq as bigint | undefined;
    const messages = prepare(
      `SELECT ${messageColumns} FROM messages
       WHERE channel_id = ? AND message_id ${compare} ? AND deleted = 0 ORDER BY message_id ${order} LIMIT ?`,
    ).all(channelId, of, limit);
    return { messages: messages.map(toMessage), seq: seq ?? 0n };
  });
}

/** Messages in the order asked, each followed by its reactions; cut among reactions when they are very many. */
export function loadMessages(
  reader: EngineReader,
  channelId: bigint,
  messageIds: readonly bigint[],
  after: string,
): RowPage<MessageRow | ReactionRow> {
  const cursor = parseCursor(after);
  return reader.read((prepare) => {
    const select = prepare(
      `SELECT ${messageColumns} FROM messages WHERE channel_id = ? AND message_id = ? AND deleted = 0`,
    );
    const reactions = prepare(
      `SELECT ${reactionColumns} FROM reactions
       WHERE channel_id = ? AND message_id = ? AND (emoji_id, emoji_name, user_id) > (?, ?, ?) AND deleted = 0
       ORDER BY emoji_id, emoji_name, user_id`,
    );
    const rows: (MessageRow | ReactionRow)[] = [];
    let size = 0;
    for (let index = cursor.index; index < messageIds.length; index += 1) {
      const messageId = messageIds[index] as bigint;
      const resumed = index === cursor.index ? cursor.key : undefined;
      if (resumed === undefined && size >= pageBytes) return { rows, next: String(index) };
      const message = select.get(channelId, messageId);
      if (message === undefined) continue;
      if (resumed === undefined) {
        const row = toMessage(message);
        rows.push(row);
        size += row.openJson.length;
      }
      const [emojiId, emojiName, userId] = resumed ?? [-1n, "", 0n];
      for (const found of reactions.iterate(channelId, messageId, emojiId, emojiName, userId)) {
        const last = rows.at(-1);
        if (rows.length >= pageReactions && last?.kind === "reaction") return { rows, next: cursorOf(index, last) };
        rows.push(toReaction(found));
      }
    }
    return { rows, next: "" };
  });
}

interface Cursor {
  readonly index: number;
  /** The last reaction given: (emoji id, emoji name, user id). */
  readonly key: readonly [bigint, string, bigint] | undefined;
}

function cursorOf(index: number, { emojiId, emojiName, userId }: ReactionRow): string {
  return `${index}.${emojiId}.${userId}.${emojiName}`;
}

function parseCursor(text: string): Cursor {
  const match = /^(\d{1,6})(?:\.(\d{1,19})\.(\d{1,19})\.(.*))?$/s.exec(text);
  if (match === null) return { index: 0, key: undefined };
  const [, index, emojiId, userId, emojiName] = match;
  const key = emojiId === undefined ? undefined : ([BigInt(emojiId), emojiName ?? "", BigInt(userId ?? 0)] as const);
  return { index: Number(index), key };
}

/** Write time and state of reactions, in order of the keys. */
export function readReactions(reader: EngineReader, keys: readonly ReactionKey[]) {
  return reader.read((prepare) => {
    const select = prepare(
      `SELECT ts, deleted FROM reactions
       WHERE channel_id = ? AND message_id = ? AND emoji_id = ? AND emoji_name = ? AND user_id = ?`,
    );
    return keys.map(({ channelId, messageId, emojiId, emojiName, userId }) => {
      const row = select.get(channelId, messageId, emojiId, emojiName, userId);
      return row === undefined ? undefined : { ts: row.ts as bigint, deleted: row.deleted === 1n };
    });
  });
}

function one<T>(row: SqlRow | undefined, map: (row: SqlRow) => T): T[] {
  return row === undefined ? [] : [map(row)];
}
