import type { ReactionRow, Row } from "@guildhall/proto";
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
}

interface ChannelTail {
  readonly messages: Map<bigint, Pending>;
  readonly reactions: Map<string, Pending>;
}

/** Makes an empty tail. */
export function makeTopicTail(): TopicTail {
  return new Tail();
}

// What was trimmed is cut away in the large, so that trimming stays cheap.
const cutFrom = 1_024;

class Tail implements TopicTail {
  readonly #members = new Map<bigint, Pending>();
  readonly #channels = new Map<bigint, ChannelTail>();
  #queue: { readonly seq: bigint; readonly rows: readonly Row[] }[] = [];
  #begin = 0;

  get size(): number {
    return this.#queue.length - this.#begin;
  }

  add(seq: bigint, rows: readonly Row[]): void {
    this.#queue.push({ seq, rows });
    for (const row of rows) this.#put(seq, row);
  }

  trim(seq: bigint): void {
    for (let next = this.#queue[this.#begin]; next !== undefined && next.seq <= seq; next = this.#queue[this.#begin]) {
      for (const row of next.rows) this.#drop(next.seq, row);
      this.#begin++;
    }
    if (this.#begin > cutFrom || this.#begin === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#begin);
      this.#begin = 0;
    }
  }

  member(userId: bigint): Row | undefined {
    return this.#members.get(userId)?.row;
  }

  *members(): Iterable<Row> {
    for (const { row } of this.#members.values()) yield row;
  }

  message(channelId: bigint, messageId: bigint): Row | undefined {
    return this.#channels.get(channelId)?.messages.get(messageId)?.row;
  }

  ofChannel(channelId: bigint): Row[] {
    const found = this.#channels.get(channelId);
    if (found === undefined) return [];
    return [...found.messages.values(), ...found.reactions.values()].map(({ row }) => row);
  }

  reactionsOf(channelId: bigint, messageId: bigint): Row[] {
    const rows: Row[] = [];
    for (const { row } of this.#channels.get(channelId)?.reactions.values() ?? []) {
      if (row.of?.$case === "reaction" && row.of.value.messageId === messageId) rows.push(row);
    }
    return rows;
  }

  #put(seq: bigint, row: Row): void {
    const { of } = row;
    if (of?.$case === "member") this.#members.set(of.value.userId, { seq, row });
    else if (of?.$case === "message") this.#channel(of.value.channelId).messages.set(of.value.messageId, { seq, row });
    else if (of?.$case === "reaction")
      this.#channel(of.value.channelId).reactions.set(reactionKey(of.value), { seq, row });
  }

  #drop(seq: bigint, { of }: Row): void {
    if (of?.$case === "member") dropFrom(this.#members, of.value.userId, seq);
    if (of?.$case !== "message" && of?.$case !== "reaction") return;
    const { channelId } = of.value;
    const found = this.#channels.get(channelId);
    if (found === undefined) return;
    if (of.$case === "message") dropFrom(found.messages, of.value.messageId, seq);
    else dropFrom(found.reactions, reactionKey(of.value), seq);
    if (found.messages.size === 0 && found.reactions.size === 0) this.#channels.delete(channelId);
  }

  #channel(channelId: bigint): ChannelTail {
    let found = this.#channels.get(channelId);
    if (found === undefined) {
      found = { messages: new Map(), reactions: new Map() };
      this.#channels.set(channelId, found);
    }
    return found;
  }
}

function dropFrom<K>(map: Map<K, Pending>, key: K, seq: bigint): void {
  if (map.get(key)?.seq === seq) map.delete(key);
}

function reactionKey({ messageId, emojiId, emojiName, userId }: ReactionRow): string {
  return `${messageId}/${userId}/${emojiKey(emojiId, emojiName)}`;
}
