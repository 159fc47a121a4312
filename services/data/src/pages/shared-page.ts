import { type MergedMessage, mergeSide, neededOf, type PageWindow, sidesOf } from "../domain/page-window.ts";
import { countReactions, lastReactions, type ReactionCount } from "../domain/reaction-counts.ts";
import type { MessageRow, ReactionKey, ReactionRow, Store, StoreRow } from "../store/store.ts";
import { type ChannelCache, recentLimit } from "./channel-cache.ts";
import { type PageMessage, renderPage } from "./render-page.ts";

/** A page as it is asked for, but for who asks. */
export interface PageAsk {
  readonly channelId: bigint;
  readonly window: PageWindow;
  /** The channel's last seq by its owner. */
  readonly lastSeq: bigint;
  /** Rows that may not be in the store. */
  readonly tail: readonly StoreRow[];
}

/** A page for all viewers: what differs between them is only `me` in reactions. */
export interface SharedPage {
  readonly count: number;
  /** Empty when there are no reactions: `plain` is the page then. */
  readonly messages: readonly PageMessage[];
  /** The page as those see it who have not reacted to anything on it. */
  readonly plain: Buffer;
  /** Who has reacted to something on it, among those listed. */
  readonly reactors: ReadonlySet<bigint>;
  /** Reactions whose users are too many to list. */
  readonly crowded: readonly { readonly message: PageMessage; readonly reaction: ReactionCount }[];
}

/** What loading a page uses; `onQuery` hears of each query of messages that memory could not answer. */
export interface SharedPageSources {
  readonly store: Store;
  readonly cache: ChannelCache<SharedPage>;
  /** Whether what is read now may be kept: no rows of the channel were applied since loading began. */
  readonly mayKeep: () => boolean;
  readonly onQuery: () => void;
  readonly onMemory: () => void;
}

/** Loads a page from memory, else from the store with the tail on top. */
export async function loadSharedPage(ask: PageAsk, sources: SharedPageSources): Promise<SharedPage> {
  const { channelId, window } = ask;
  const loaded = fromMemory(ask, sources) ?? (await fromStore(ask, sources));
  const messages =
    window.kind === "one" ? loaded.messages.filter((row) => row.messageId === window.id) : loaded.messages;
  const counts = await reactionsOf(channelId, messages, loaded, sources);
  const answered = await answeredBy(ask, messages, loaded, sources);
  return toSharedPage(
    messages.map(({ messageId, openJson, referenceId }) => ({
      messageId,
      openJson,
      reactions: counts.get(messageId) ?? [],
      ...(referenceId === 0n ? {} : { answered: answered.get(referenceId) ?? null }),
    })),
  );
}

/** The `openJson` of what the messages answer, as far as it still stands. */
async function answeredBy(
  ask: PageAsk,
  messages: readonly MessageRow[],
  { messages: known, tailCounts }: Loaded,
  { store }: SharedPageSources,
): Promise<ReadonlyMap<bigint, Uint8Array>> {
  const answered = new Map<bigint, Uint8Array>();
  const wanted = new Set(messages.map(({ referenceId }) => referenceId));
  wanted.delete(0n);
  if (wanted.size === 0) return answered;
  const rows = new Map(known.map((row) => [row.messageId, row]));
  if (tailCounts) for (const [messageId, row] of messagesOf(ask)) rows.set(messageId, row);
  for (const messageId of wanted) {
    const row = rows.get(messageId) ?? (await store.readMessage(ask.channelId, messageId));
    if (row !== undefined && !row.deleted) answered.set(messageId, row.openJson);
  }
  return answered;
}

interface Loaded {
  /** Newest first. */
  readonly messages: readonly MessageRow[];
  readonly tailReactions: readonly ReactionRow[];
  readonly fromMemory: boolean;
  /** Whether the tail holds what the store may lack. */
  readonly tailCounts: boolean;
}

function fromMemory(
  { channelId, window, lastSeq }: PageAsk,
  { cache, onMemory }: SharedPageSources,
): Loaded | undefined {
  const messages: MessageRow[] = [];
  for (const side of sidesOf(window)) {
    const rows = cache.scan(channelId, side, lastSeq);
    if (rows === undefined) return undefined;
    messages.push(...(side.side === "older" ? rows : rows.toReversed()));
  }
  onMemory();
  // Memory has the owner's last seq: there is nothing in the tail that it lacks.
  return { messages, tailReactions: [], fromMemory: true, tailCounts: false };
}

async function fromStore(ask: PageAsk, { store, cache, mayKeep, onQuery }: SharedPageSources): Promise<Loaded> {
  const { channelId, window, lastSeq } = ask;
  const tailMessages = messagesOf(ask);
  const messages: MessageRow[] = [];
  let stored = false;
  onQuery();
  for (const side of sidesOf(window)) {
    const needed = neededOf(side, tailMessages.values());
    const limit = window.kind === "latest" ? Math.max(needed, recentLimit) : needed;
    const scanned = await store.scanMessages({ channelId, side: side.side, of: side.of, limit });
    // Rows are applied in order: a store that has the last one has all, and the tail may only be behind it.
    stored = lastSeq > 0n && scanned.seq >= lastSeq;
    messages.push(...mergeSide(side, scanned.messages, stored ? new Map<bigint, MessageRow>() : tailMessages));
    if (window.kind === "latest" && mayKeep()) {
      const newest = scanned.messages.slice(0, recentLimit);
      cache.keepNewest(channelId, { messages: newest, seq: scanned.seq });
    }
  }
  return { messages, tailReactions: stored ? [] : tailReactionsOf(ask), fromMemory: false, tailCounts: !stored };
}

function messagesOf({ channelId, tail }: PageAsk): ReadonlyMap<bigint, MessageRow> {
  const rows = new Map<bigint, MessageRow>();
  for (const row of tail) {
    if (row.kind !== "message" || row.channelId !== channelId) continue;
    const known: MergedMessage | undefined = rows.get(row.messageId);
    if (known === undefined || known.ts <= row.ts) rows.set(row.messageId, row);
  }
  return rows;
}

function tailReactionsOf({ channelId, tail }: PageAsk): readonly ReactionRow[] {
  return lastReactions(
    tail.filter((row): row is ReactionRow => row.kind === "reaction" && row.channelId === channelId),
  );
}

async function reactionsOf(
  channelId: bigint,
  messages: readonly MessageRow[],
  { tailReactions, fromMemory: isRecent }: Loaded,
  { store, cache, mayKeep }: SharedPageSources,
): Promise<ReadonlyMap<bigint, readonly ReactionCount[]>> {
  if (messages.length === 0) return new Map();
  const ids = new Set(messages.map(({ messageId }) => messageId));
  let groups = isRecent ? cache.reactions(channelId) : undefined;
  if (groups === undefined) {
    groups = await store.reactionGroups(channelId, isRecent ? cache.newestIds(channelId) : [...ids]);
    if (isRecent && mayKeep()) cache.keepReactions(channelId, groups);
  }
  if (groups.size === 0 && tailReactions.length === 0) return new Map();
  const own = new Map([...groups].filter(([messageId]) => ids.has(messageId)));
  const tail = tailReactions.filter(({ messageId }) => ids.has(messageId));
  const keys: readonly ReactionKey[] = tail;
  return countReactions(own, tail, keys.length === 0 ? [] : await store.readReactions(keys));
}

function toSharedPage(messages: readonly PageMessage[]): SharedPage {
  const reactors = new Set<bigint>();
  const crowded: { message: PageMessage; reaction: ReactionCount }[] = [];
  for (const message of messages) {
    for (const reaction of message.reactions) {
      if (reaction.userIds === undefined) crowded.push({ message, reaction });
      else for (const userId of reaction.userIds) reactors.add(userId);
    }
  }
  const differs = reactors.size > 0 || crowded.length > 0;
  const plain = renderPage(messages, () => false);
  return { count: messages.length, messages: differs ? messages : [], plain, reactors, crowded };
}
