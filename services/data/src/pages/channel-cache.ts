import { LRUCache } from "lru-cache";
import { isOnSide, type Side } from "../domain/page-window.ts";
import type { MessageRow, ReactionGroup, ScannedMessages, StoreRow } from "../store/store.ts";

/** How many of a channel's newest messages are kept. */
export const recentLimit = 50;

/** A finished page, valid for the channel's `lastSeq` that it was asked with. */
interface KeptPage<P> {
  readonly lastSeq: bigint;
  readonly page: P;
  readonly sizeBytes: number;
}

interface Channel<P> {
  /** The newest messages, newest first; undefined until the newest page has been read. */
  messages: readonly MessageRow[] | undefined;
  /** There are no others in the channel. */
  complete: boolean;
  /** Seq of the channel's last row that is in. */
  seq: bigint;
  /** Undefined = to be read. */
  reactions: ReadonlyMap<bigint, readonly ReactionGroup[]> | undefined;
  readonly pages: Map<string, KeptPage<P>>;
}

/** What memory holds of active channels: their newest messages, and pages that were asked for lately. Bounded. */
export interface ChannelCache<P> {
  /** A page asked for before with the same window, while no later row has come. */
  page(channelId: bigint, window: string, lastSeq: bigint): P | undefined;
  keepPage(channelId: bigint, window: string, lastSeq: bigint, page: P, sizeBytes: number): void;
  /** Messages of a side, nearest first, if memory holds all of them and has `lastSeq`. */
  scan(channelId: bigint, side: Side, lastSeq: bigint): readonly MessageRow[] | undefined;
  /** Keeps the newest messages as they were read (at most `recentLimit`; fewer = there are no others). */
  keepNewest(channelId: bigint, newest: ScannedMessages): void;
  /** Reactions of the newest messages kept, if they are known. */
  reactions(channelId: bigint): ReadonlyMap<bigint, readonly ReactionGroup[]> | undefined;
  keepReactions(channelId: bigint, reactions: ReadonlyMap<bigint, readonly ReactionGroup[]>): void;
  /** Ids of the newest messages kept. */
  newestIds(channelId: bigint): readonly bigint[];
  /** Takes over rows that are in the store now. */
  applied(rows: readonly StoreRow[]): void;
  /** Drops the channels of rows of which nobody knows whether they are in the store. */
  forget(rows: readonly StoreRow[]): void;
  readonly channels: number;
  readonly sizeBytes: number;
}

const maxChannels = 2_000;
const maxPagesPerChannel = 32;
const messageOverheadBytes = 200;
const channelOverheadBytes = 500;

/** Makes an empty cache of at most `maxBytes`. */
export function makeChannelCache<P>({ maxBytes }: { readonly maxBytes: number }): ChannelCache<P> {
  const channels = new LRUCache<bigint, Channel<P>>({
    max: maxChannels,
    maxSize: maxBytes,
    sizeCalculation: sizeOf,
  });
  const blank = (): Channel<P> => ({
    messages: undefined,
    complete: false,
    seq: 0n,
    reactions: undefined,
    pages: new Map(),
  });
  /** Changes a channel and weighs it anew. */
  const change = (channelId: bigint, work: (channel: Channel<P>) => void): void => {
    const channel = channels.get(channelId) ?? blank();
    work(channel);
    channels.set(channelId, channel);
  };

  return {
    page(channelId, window, lastSeq) {
      const kept = channels.get(channelId)?.pages.get(window);
      return kept?.lastSeq === lastSeq ? kept.page : undefined;
    },
    keepPage(channelId, window, lastSeq, page, sizeBytes) {
      change(channelId, ({ pages }) => {
        pages.delete(window);
        pages.set(window, { lastSeq, page, sizeBytes });
        const [oldest] = pages.keys();
        if (pages.size > maxPagesPerChannel && oldest !== undefined) pages.delete(oldest);
      });
    },
    scan(channelId, side, lastSeq) {
      const channel = channels.get(channelId);
      return channel === undefined ? undefined : scanRecent(channel, side, lastSeq);
    },
    keepNewest(channelId, { messages, seq }) {
      change(channelId, (channel) => {
        channel.messages = messages.slice(0, recentLimit);
        channel.complete = messages.length < recentLimit;
        channel.seq = seq;
        channel.reactions = undefined;
      });
    },
    reactions: (channelId) => channels.get(channelId)?.reactions,
    keepReactions(channelId, reactions) {
      change(channelId, (channel) => {
        channel.reactions = reactions;
      });
    },
    newestIds: (channelId) => channels.get(channelId)?.messages?.map(({ messageId }) => messageId) ?? [],
    applied(rows) {
      for (const [channelId, own] of byChannel(rows)) {
        if (channels.has(channelId)) change(channelId, (channel) => takeRows(channel, own));
      }
    },
    forget(rows) {
      for (const channelId of byChannel(rows).keys()) channels.delete(channelId);
    },
    get channels() {
      return channels.size;
    },
    get sizeBytes() {
      return channels.calculatedSize;
    },
  };
}

type ChannelRow = Extract<StoreRow, { channelId: bigint }>;

function byChannel(rows: readonly StoreRow[]): ReadonlyMap<bigint, ChannelRow[]> {
  const channels = new Map<bigint, ChannelRow[]>();
  for (const row of rows) {
    if (row.kind !== "message" && row.kind !== "reaction") continue;
    const own = channels.get(row.channelId);
    if (own === undefined) channels.set(row.channelId, [row]);
    else own.push(row);
  }
  return channels;
}

function takeRows<P>(channel: Channel<P>, rows: readonly ChannelRow[]): void {
  channel.pages.clear();
  for (const row of rows) {
    if (row.seq > channel.seq) channel.seq = row.seq;
    if (row.kind === "reaction") channel.reactions = undefined;
    else if (channel.messages !== undefined) takeMessage(channel, channel.messages, row);
  }
}

function takeMessage<P>(channel: Channel<P>, messages: readonly MessageRow[], row: MessageRow): void {
  const known = messages.find(({ messageId }) => messageId === row.messageId);
  if (known !== undefined && known.ts > row.ts) return;
  const others = known === undefined ? messages : messages.filter((message) => message !== known);
  if (row.deleted) {
    channel.messages = others;
    return;
  }
  const oldest = messages.at(-1);
  if (!channel.complete && oldest !== undefined && row.messageId < oldest.messageId) return;
  // All were deleted, and what was below them is not known.
  if (!channel.complete && oldest === undefined) {
    channel.messages = undefined;
    return;
  }
  const at = others.findIndex(({ messageId }) => messageId < row.messageId);
  const next = at < 0 ? [...others, row] : [...others.slice(0, at), row, ...others.slice(at)];
  if (next.length > recentLimit) channel.complete = false;
  channel.messages = next.slice(0, recentLimit);
}

function scanRecent<P>(channel: Channel<P>, side: Side, lastSeq: bigint): readonly MessageRow[] | undefined {
  const { messages, complete, seq } = channel;
  if (messages === undefined || seq < lastSeq) return undefined;
  const on = messages.filter(({ messageId }) => isOnSide(side, messageId));
  if (side.side === "older") return complete || on.length >= side.limit ? on.slice(0, side.limit) : undefined;
  const oldest = messages.at(-1);
  // Between the id and the oldest message kept there may be others.
  if (!complete && (oldest === undefined || side.of < oldest.messageId)) return undefined;
  return on.reverse().slice(0, side.limit);
}

function sizeOf<P>({ messages = [], pages }: Channel<P>): number {
  let size = channelOverheadBytes;
  for (const { openJson } of messages) size += openJson.length + messageOverheadBytes;
  for (const page of pages.values()) size += page.sizeBytes;
  return size;
}
