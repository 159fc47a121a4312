import type { Row } from "@guildhall/proto";
import { emojiKey } from "../model/thing.ts";

interface Pending {
  readonly seq: bigint;
  readonly row: Row;
}

/**
 * Rows of one topic that are decided and not known to be in the store: they win over what the store says. Of several for
 * one key the last counts.
 */
export interface TopicTail {
  readonly size: number;
  add(seq: bigint, rows: readonly Row[]): void;
  /** Everything up to `seq` is in the store. */
  trim(seq: bigint): void;
  member(userId: bigint): Row | undefined;
  members(): Iterable<Row>;
  message(channelId: bigint, messageId: bigint): Row | undefined;
  /** Rows of messages and reactions of a channel. */
  ofChannel(channelId: bigint): Row[];
  reactionsOf(channelId: bigint, messageId: bigint): Row[];
  clear(): void;
}

interface ChannelTail {
  readonly messages: Map<bigint, Pending>;
  readonly reactions: Map<string, Pending>;
}

/** Makes an empty tail. */
export function makeTopicTail(): TopicTail {
  const members = new Map<bigint, Pending>();
  const channels = new Map<bigint, ChannelTail>();
  let queue: { readonly seq: bigint; readonly rows: readonly Row[] }[] = [];
  let begin = 0;

  const channel = (channelId: bigint): ChannelTail => {
    let found = channels.get(channelId);
    if (found === undefined) {
      found = { messages: new Map(), reactions: new Map() };
      channels.set(channelId, found);
    }
    return found;
  };

  const put = (seq: bigint, row: Row): void => {
    const { of } = row;
    if (of?.$case === "member") members.set(of.value.userId, { seq, row });
    else if (of?.$case === "message") channel(of.value.channelId).messages.set(of.value.messageId, { seq, row });
    else if (of?.$case === "reaction") channel(of.value.channelId).reactions.set(reactionKey(row), { seq, row });
  };

  const drop = (seq: bigint, row: Row): void => {
    const { of } = row;
    if (of?.$case === "member") dropFrom(members, of.value.userId, seq);
    else if (of?.$case === "message" || of?.$case === "reaction") {
      const { channelId } = of.value;
      const found = channels.get(channelId);
      if (found === undefined) return;
      if (of.$case === "message") dropFrom(found.messages, of.value.messageId, seq);
      else dropFrom(found.reactions, reactionKey(row), seq);
      if (found.messages.size === 0 && found.reactions.size === 0) channels.delete(channelId);
    }
  };

  return {
    get size() {
      return queue.length - begin;
    },
    add(seq, rows) {
      queue.push({ seq, rows });
      for (const row of rows) put(seq, row);
    },
    trim(seq) {
      for (let next = queue[begin]; next !== undefined && next.seq <= seq; next = queue[begin]) {
        for (const row of next.rows) drop(next.seq, row);
        begin++;
      }
      // Cut in the large, so that trimming stays cheap.
      if (begin > 1_024 || begin === queue.length) {
        queue = queue.slice(begin);
        begin = 0;
      }
    },
    member: (userId) => members.get(userId)?.row,
    *members() {
      for (const { row } of members.values()) yield row;
    },
    message: (channelId, messageId) => channels.get(channelId)?.messages.get(messageId)?.row,
    ofChannel(channelId) {
      const found = channels.get(channelId);
      if (found === undefined) return [];
      return [...found.messages.values(), ...found.reactions.values()].map(({ row }) => row);
    },
    reactionsOf(channelId, messageId) {
      const rows: Row[] = [];
      for (const { row } of channels.get(channelId)?.reactions.values() ?? []) {
        if (row.of?.$case === "reaction" && row.of.value.messageId === messageId) rows.push(row);
      }
      return rows;
    },
    clear() {
      members.clear();
      channels.clear();
      queue = [];
      begin = 0;
    },
  };
}

function dropFrom<K>(map: Map<K, Pending>, key: K, seq: bigint): void {
  if (map.get(key)?.seq === seq) map.delete(key);
}

function reactionKey(row: Row): string {
  if (row.of?.$case !== "reaction") return "";
  const { messageId, emojiId, emojiName, userId } = row.of.value;
  return `${messageId}/${userId}/${emojiKey(emojiId, emojiName)}`;
}
