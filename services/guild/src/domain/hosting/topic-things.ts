import type { Row } from "@guildhall/proto";
import type { Required } from "../decide/required.ts";
import type { LoadedMessage } from "../decide/turn.ts";
import { ascending } from "../model/bigint-order.ts";
import { decodeMember } from "../model/codec.ts";
import { type Outcome, outcomeOf } from "../model/outcome.ts";
import { emojiKey, type Member, type Message, type Reaction } from "../model/thing.ts";
import type { Store } from "../ports.ts";
import type { RecentMap } from "./recent.ts";
import type { TopicTail } from "./tail.ts";

// The store gives no more of them at once.
const maxListedAtOnce = 1_000;

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
export function makeTopicThings(options: TopicThingsOptions): TopicThings {
  return new Things(options);
}

class Things implements TopicThings {
  readonly #options: TopicThingsOptions;
  readonly #loadingMembers = new Map<bigint, Promise<void>>();
  readonly #loadingMessages = new Map<bigint, Promise<void>>();

  constructor(options: TopicThingsOptions) {
    this.#options = options;
  }

  member(userId: bigint): Member | undefined {
    return this.#options.members.get(userId) ?? undefined;
  }

  message(channelId: bigint, messageId: bigint): LoadedMessage | undefined {
    const kept = this.#options.messages.get(messageId);
    return kept?.channelId === channelId ? kept : undefined;
  }

  has(required: Required): boolean {
    const { members, messages } = this.#options;
    return (
      required.members.every((id) => members.get(id) !== undefined) &&
      required.messages.every(({ messageId }) => messages.get(messageId) !== undefined)
    );
  }

  async load(required: Required): Promise<void> {
    const { members, messages } = this.#options;
    const wanted = required.members.filter((id) => members.get(id) === undefined);
    this.#startMembers([...new Set(wanted)].filter((id) => !this.#loadingMembers.has(id)));
    const waits = new Set(wanted.map((id) => this.#loadingMembers.get(id)));
    for (const { channelId, messageId } of required.messages) {
      if (messages.get(messageId) !== undefined) continue;
      let loading = this.#loadingMessages.get(messageId);
      if (loading === undefined) {
        loading = this.#loadMessage(channelId, messageId).finally(() => this.#loadingMessages.delete(messageId));
        this.#loadingMessages.set(messageId, loading);
      }
      waits.add(loading);
    }
    await Promise.all(waits);
  }

  assign(outcome: Outcome): void {
    const { members, messages } = this.#options;
    switch (outcome.of) {
      case "member":
        members.set(outcome.member.userId, outcome.member);
        break;
      case "member-gone":
        members.set(outcome.userId, null);
        break;
      case "message": {
        const { messageId } = outcome.message;
        const reactions = messages.peek(messageId)?.reactions ?? new Map<string, Set<bigint>>();
        messages.set(messageId, { ...outcome.message, reactions });
        break;
      }
      case "message-gone":
        messages.set(outcome.messageId, null);
        break;
      case "reaction":
      case "reaction-gone": {
        const kept = messages.peek(outcome.reaction.messageId);
        if (kept) react(kept, outcome.reaction, outcome.of === "reaction");
        break;
      }
      default:
        break;
    }
  }

  async list(after: bigint, limit: number): Promise<Member[]> {
    const { tail } = this.#options;
    const before = [...tail.members()];
    const gone = before.filter(({ deleted }) => deleted).length;
    const { stored, whole } = await this.#listStored(after, limit + gone);
    return mergeMembers(stored, [...before, ...tail.members()], { after, limit, whole });
  }

  /** `whole`: there are no others. */
  async #listStored(after: bigint, asked: number): Promise<{ stored: Row[]; whole: boolean }> {
    const { topic, store } = this.#options;
    const stored: Row[] = [];
    while (stored.length < asked) {
      const limit = Math.min(asked - stored.length, maxListedAtOnce);
      const page = await store.listMembers(topic, lastUserId(stored) ?? after, limit);
      stored.push(...page);
      if (page.length < limit) return { stored, whole: true };
    }
    return { stored, whole: false };
  }

  clear(): void {
    this.#options.members.clear();
    this.#options.messages.clear();
  }

  /** Begins to read members, all in one request; several who want the same wait for one reading. */
  #startMembers(ids: readonly bigint[]): void {
    if (ids.length === 0) return;
    const loading = this.#loadMembers(ids).finally(() => {
      for (const id of ids) this.#loadingMembers.delete(id);
    });
    for (const id of ids) this.#loadingMembers.set(id, loading);
  }

  async #loadMembers(ids: readonly bigint[]): Promise<void> {
    const { topic, store, tail, members } = this.#options;
    // A row may reach the store while it is read, and leave the tail: what was there at the start still counts.
    const pending = new Map(ids.map((id) => [id, tail.member(id)]));
    const stored = new Map<bigint, Row>();
    for (const row of await store.loadMembers(topic, ids)) {
      if (row.of?.$case === "member") stored.set(row.of.value.userId, row);
    }
    for (const id of ids) members.set(id, memberOf(tail.member(id) ?? pending.get(id) ?? stored.get(id)));
  }

  async #loadMessage(channelId: bigint, messageId: bigint): Promise<void> {
    const { store, tail, messages } = this.#options;
    const pending = () => [tail.message(channelId, messageId), ...tail.reactionsOf(channelId, messageId)];
    const before = pending();
    const stored = await store.loadMessages(channelId, [messageId]);
    const rows = [...stored, ...before, ...pending()].filter((row) => row !== undefined);
    const last = rows.findLast(({ of }) => of?.$case === "message");
    if (last?.of?.$case !== "message" || last.deleted) {
      messages.set(messageId, null);
      return;
    }
    const kept: KeptMessage = { ...last.of.value, reactions: new Map() };
    for (const { of, deleted } of rows) if (of?.$case === "reaction") react(kept, of.value, !deleted);
    messages.set(messageId, kept);
  }
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

function lastUserId(rows: readonly Row[]): bigint | undefined {
  const last = rows.at(-1);
  return last?.of?.$case === "member" ? last.of.value.userId : undefined;
}

/** A page of the store's rows with later ones laid over; those past the page's end belong to the next page. */
function mergeMembers(
  stored: readonly Row[],
  later: readonly Row[],
  { after, limit, whole }: { readonly after: bigint; readonly limit: number; readonly whole: boolean },
): Member[] {
  const end = whole ? undefined : lastUserId(stored);
  const found = new Map<bigint, Member>();
  for (const row of [...stored, ...later]) {
    const outcome = outcomeOf(row);
    if (outcome?.of === "member-gone") found.delete(outcome.userId);
    else if (outcome?.of === "member") {
      const { userId } = outcome.member;
      if (userId > after && (end === undefined || userId <= end)) found.set(userId, outcome.member);
    }
  }
  return [...found.values()].sort((a, b) => ascending(a.userId, b.userId)).slice(0, limit);
}
