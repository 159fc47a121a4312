import { type Command, CommandResult, Record as JournalEntry } from "@guildhall/proto";
import type { CommandEvidence } from "./evidence.ts";

/** A value from a seq on. */
export interface Since<T> {
  readonly seq: bigint;
  readonly value: T;
}

/** A message as the journal says it was and is. */
export interface FoldedMessage {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly seq: bigint;
  readonly contents: Since<string>[];
  deletedSeq: bigint | undefined;
}

/** A record of the journal, as far as folding goes. */
export interface FoldRecord {
  readonly seq: bigint;
  readonly requestId: bigint;
  /** The encoded whole. */
  readonly bytes: Uint8Array;
}

/** What a guild's records did, by the commands that led to them. */
export class FoldedGuild {
  readonly messages = new Map<bigint, FoldedMessage>();
  /** By channel. */
  readonly names = new Map<bigint, Since<string>[]>();
  /** By channel and user: whether an overwrite of the user's own hides the channel. */
  readonly hidden = new Map<string, Since<boolean>[]>();
  readonly members = new Map<bigint, Since<boolean>[]>();

  constructor(records: readonly FoldRecord[], commands: ReadonlyMap<bigint, CommandEvidence>) {
    for (const { seq, requestId, bytes } of records) {
      const evidence = commands.get(requestId);
      if (evidence !== undefined) this.#fold(seq, evidence.command, bytes);
    }
  }

  #fold(seq: bigint, { body, actor }: Command, bytes: Uint8Array): void {
    switch (body?.$case) {
      case "createMessage": {
        const { channelId, content } = body.value;
        const id = idOf(bytes);
        this.messages.set(id, { id, channelId, seq, contents: [{ seq, value: content }], deletedSeq: undefined });
        return;
      }
      case "editMessage": {
        const { messageId, content } = body.value;
        if (content !== undefined) this.messages.get(messageId)?.contents.push({ seq, value: content });
        return;
      }
      case "deleteMessage": {
        const message = this.messages.get(body.value.messageId);
        if (message !== undefined) message.deletedSeq ??= seq;
        return;
      }
      case "editChannel": {
        const { channelId, name } = body.value;
        if (name !== undefined) push(this.names, channelId, { seq, value: name });
        return;
      }
      case "putOverwrite": {
        const { channelId, overwrite } = body.value;
        if (overwrite !== undefined) {
          push(this.hidden, `${channelId}/${overwrite.id}`, { seq, value: (overwrite.deny & viewChannel) !== 0n });
        }
        return;
      }
      case "deleteOverwrite":
        push(this.hidden, `${body.value.channelId}/${body.value.overwriteId}`, { seq, value: false });
        return;
      case "createGuild":
        if (actor?.profile !== undefined) push(this.members, actor.profile.id, { seq, value: true });
        return;
      case "addPeople":
        for (const { id } of body.value.people) push(this.members, id, { seq, value: true });
        return;
      case "addBot":
        if (body.value.bot !== undefined) push(this.members, body.value.bot.id, { seq, value: true });
        return;
      case "kickMember":
        push(this.members, body.value.userId, { seq, value: false });
        return;
      default:
        return;
    }
  }
}

const viewChannel = 1n << 10n;

/** The id of the message that a record made. */
function idOf(bytes: Uint8Array): bigint {
  const { json } = CommandResult.decode(JournalEntry.decode(bytes).result);
  const match = /"id":"(\d+)"/.exec(json.toString());
  return BigInt(match?.[1] ?? 0);
}

function push<K, T>(map: Map<K, Since<T>[]>, key: K, since: Since<T>): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [since]);
  else list.push(since);
}

/** The values that hold at some seq from `low` to `high`; `first` before the first change. */
export function valuesBetween<T>(changes: readonly Since<T>[] | undefined, low: bigint, high: bigint, first: T): T[] {
  const values: T[] = [];
  let at = first;
  let isIn = true;
  for (const { seq, value } of changes ?? []) {
    if (seq > high) break;
    if (seq > low && isIn) {
      values.push(at);
      isIn = false;
    }
    at = value;
    if (seq > low) values.push(value);
  }
  if (isIn) values.push(at);
  return values;
}
