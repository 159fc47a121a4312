import type { Row } from "@guildhall/proto";
import type { Required } from "../decide/required.ts";
import type { LoadedMessage } from "../decide/turn.ts";
import { decodeMember } from "../model/codec.ts";
import { type Outcome, outcomeOf } from "../model/outcome.ts";
import { emojiKey, type Member, type Message, type Reaction } from "../model/thing.ts";
import type { Store } from "../ports.ts";
import type { RecentMap } from "./recent.ts";
import type { TopicTail } from "./tail.ts";

interface KeptMessage extends Message {
  readonly reactions: Map<string, Set<bigint>>;
}

/** Members and messages of a topic, read on demand; what is not in the store yet comes from the tail. */
export interface TopicThings {
  /** A loaded member; undefined for one that is not there. */
  member(userId: bigint): Member | undefined;
  message(channelId: bigint, messageId: bigint): LoadedMessage | undefined;
  /** Whether everything is in memory, present or known to be absent. */
  has(required: Required): boolean;
  /** Reads what is missing; several who want the same wait for one reading. */
  load(required: Required): Promise<void>;
  /** Keeps in step with a decision. */
  assign(outcome: Outcome): void;
  /** Members in order of id after `after`, at most `limit`. They do not enter the cache. */
  list(after: bigint, limit: number): Promise<Member[]>;
  clear(): void;
}

/** What the things of a topic are made of. */
export interface TopicThingsOptions {
  readonly topic: bigint;
  readonly store: Pick<Store, "loadMembers" | "loadMessages" | "listMembers">;
  readonly tail: TopicTail;
  /** null: known to be absent. */
  readonly members: RecentMap<bigint, Member | null>;
  readonly messages: RecentMap<bigint, KeptMessage | null>;
}

/** Makes them. */
export function makeTopicThings({ topic, store, tail, members, messages }: TopicThingsOptions): TopicThings {
  const loadingMembers = new Map<bigint, Promise<void>>();
  const loadingMessages = new Map<bigint, Promise<void>>();

  const loadMembers = async (ids: readonly bigint[]): Promise<void> => {
    // A row may reach the store while it is read, and leave the tail: what was there at the start still counts.
    const pending = new Map(ids.map((id) => [id, tail.member(id)]));
    const stored = new Map<bigint, Row>();
    for (const row of await store.loadMembers(topic, ids)) {
      if (row.of?.$case === "member") stored.set(row.of.value.userId, row);
    }
    for (const id of ids) members.set(id, memberOf(tail.member(id) ?? pending.get(id) ?? stored.get(id)));
  };

  const loadMessage = async (channelId: bigint, messageId: bigint): Promise<void> => {
    const read = () => ({
      message: tail.message(channelId, messageId),
      reactions: tail.reactionsOf(channelId, messageId),
    });
    const before = read();
    const stored = await store.loadMessages(channelId, [messageId]);
    const now = read();
    const rows = [...stored, before.message, now.message].filter((row) => row !== undefined);
    const last = rows.findLast(({ of }) => of?.$case === "message");
    if (last?.of?.$case !== "message" || last.deleted) return messages.set(messageId, null);
    const kept: KeptMessage = { ...last.of.value, reactions: new Map() };
    for (const row of [...stored, ...before.reactions, ...now.reactions]) {
      if (row.of?.$case === "reaction") react(kept, row.of.value, !row.deleted);
    }
    messages.set(messageId, kept);
  };

  /** Starts what nobody has started yet, and waits for all of it. */
  const load = async (required: Required): Promise<void> => {
    const wanted = required.members.filter((id) => members.get(id) === undefined);
    const fresh = [...new Set(wanted)].filter((id) => !loadingMembers.has(id));
    if (fresh.length > 0) {
      const loading = loadMembers(fresh).finally(() => {
        for (const id of fresh) loadingMembers.delete(id);
      });
      for (const id of fresh) loadingMembers.set(id, loading);
    }
    const waits = new Set(wanted.map((id) => loadingMembers.get(id)));
    for (const { channelId, messageId } of required.messages) {
      if (messages.get(messageId) !== undefined) continue;
      let loading = loadingMessages.get(messageId);
      if (loading === undefined) {
        loading = loadMessage(channelId, messageId).finally(() => loadingMessages.delete(messageId));
        loadingMessages.set(messageId, loading);
      }
      waits.add(loading);
    }
    await Promise.all(waits);
  };

  return {
    member: (userId) => members.get(userId) ?? undefined,
    message(channelId, messageId) {
      const kept = messages.get(messageId);
      return kept?.channelId === channelId ? kept : undefined;
    },
    has: (required) =>
      required.members.every((id) => members.get(id) !== undefined) &&
      required.messages.every(({ messageId }) => messages.get(messageId) !== undefined),
    load,
    assign(outcome) {
      switch (outcome.of) {
        case "member":
          return members.set(outcome.member.userId, outcome.member);
        case "member-gone":
          return members.set(outcome.userId, null);
        case "message": {
          const { messageId } = outcome.message;
          const reactions = messages.peek(messageId)?.reactions ?? new Map<string, Set<bigint>>();
          return messages.set(messageId, { ...outcome.message, reactions });
        }
        case "message-gone":
          return messages.set(outcome.messageId, null);
        case "reaction":
        case "reaction-gone": {
          const kept = messages.peek(outcome.reaction.messageId);
          if (kept) react(kept, outcome.reaction, outcome.of === "reaction");
          return;
        }
        default:
          return;
      }
    },
    async list(after, limit) {
      const before = [...tail.members()];
      const gone = before.filter(({ deleted }) => deleted).length;
      const asked = limit + gone;
      const stored = await store.listMembers(topic, after, asked);
      return mergeMembers(stored, [...before, ...tail.members()], { after, limit, whole: stored.length < asked });
    },
    clear() {
      members.clear();
      messages.clear();
    },
  };
}

function memberOf(row: Row | undefined): Member | null {
  return row?.of?.$case === "member" && !row.deleted ? decodeMember(row.of.value.value) : null;
}

function react({ reactions }: KeptMessage, { emojiId, emojiName, userId }: Reaction, there: boolean): void {
  const key = emojiKey(emojiId, emojiName);
  const people = reactions.get(key);
  if (there) {
    if (people === undefined) reactions.set(key, new Set([userId]));
    else people.add(userId);
  } else if (people?.delete(userId) && people.size === 0) reactions.delete(key);
}

/** A page of the store's rows with later ones laid over; those past the page's end belong to the next page. */
function mergeMembers(
  stored: readonly Row[],
  later: readonly Row[],
  { after, limit, whole }: { readonly after: bigint; readonly limit: number; readonly whole: boolean },
): Member[] {
  const last = stored.at(-1);
  const end = whole || last?.of?.$case !== "member" ? undefined : last.of.value.userId;
  const found = new Map<bigint, Member>();
  for (const row of [...stored, ...later]) {
    const outcome = outcomeOf(row);
    if (outcome?.of === "member-gone") found.delete(outcome.userId);
    else if (outcome?.of === "member") {
      const { userId } = outcome.member;
      if (userId > after && (end === undefined || userId <= end)) found.set(userId, outcome.member);
    }
  }
  return [...found.values()].sort((a, b) => (a.userId < b.userId ? -1 : 1)).slice(0, limit);
}
