import type { PageWindow } from "../domain/page-window.ts";
import type { ReactionCount } from "../domain/reaction-counts.ts";
import type { ReactionKey, Store, StoreRow } from "../store/store.ts";
import { makeChannelCache } from "./channel-cache.ts";
import { type PageMessage, renderPage } from "./render-page.ts";
import { loadSharedPage, type PageAsk, type SharedPage } from "./shared-page.ts";

/** Counts of how pages came about. */
export interface PageEvents {
  pageRequested(): void;
  /** Messages were read from the store. */
  pageQueried(): void;
  /** The newest messages in memory served. */
  pageFromMemory(): void;
  /** Another asker's page, finished or being loaded, served. */
  pageShared(): void;
}

/** A rendered page. */
interface RenderedPage {
  readonly json: Buffer;
  readonly count: number;
}

/** Pages of history: concurrent equal asks are one query, and what differs between viewers is rendered for each. */
export interface Pages {
  read(ask: PageAsk, viewerId: bigint): Promise<RenderedPage>;
  /** Takes over rows that are in the store now. */
  applied(rows: readonly StoreRow[]): void;
  /** Drops what these rows may have made stale. */
  forget(rows: readonly StoreRow[]): void;
  readonly channels: number;
  readonly sizeBytes: number;
}

/** What pages are made from. */
export interface PagesOptions {
  readonly store: Store;
  readonly events: PageEvents;
  /** Bound of the memory for recent messages and pages. */
  readonly cacheBytes: number;
}

interface Flight {
  readonly channelId: bigint;
  /** Rows of the channel were applied since it began. */
  readonly state: { stale: boolean };
  readonly page: Promise<SharedPage>;
}

/** Makes the pages of a store. */
export function makePages({ store, events, cacheBytes }: PagesOptions): Pages {
  const cache = makeChannelCache<SharedPage>({ maxBytes: cacheBytes });
  const flights = new Map<string, Flight>();

  const load = (ask: PageAsk, window: string, key: string): Promise<SharedPage> => {
    const { channelId, lastSeq } = ask;
    const state = { stale: false };
    const sources = {
      store,
      cache,
      mayKeep: () => !state.stale,
      onQuery: events.pageQueried,
      onMemory: events.pageFromMemory,
    };
    const page = loadSharedPage(ask, sources)
      .then((loaded) => {
        if (!state.stale) cache.keepPage(channelId, window, lastSeq, loaded, sizeOf(loaded));
        return loaded;
      })
      .finally(() => {
        if (flights.get(key) === flight) flights.delete(key);
      });
    const flight: Flight = { channelId, state, page };
    flights.set(key, flight);
    return page;
  };
  const share = (ask: PageAsk): SharedPage | Promise<SharedPage> => {
    const { channelId, lastSeq } = ask;
    const window = windowKey(ask.window);
    const kept = cache.page(channelId, window, lastSeq);
    if (kept !== undefined) {
      events.pageShared();
      return kept;
    }
    const key = `${channelId}/${window}/${lastSeq}`;
    const flight = flights.get(key);
    // A flight that rows have overtaken may lack what this asker was told of.
    if (flight === undefined || flight.state.stale) return load(ask, window, key);
    events.pageShared();
    return flight.page;
  };
  const markStale = (rows: readonly StoreRow[]): void => {
    if (flights.size === 0) return;
    const changed = new Set(rows.map((row) => ("channelId" in row ? row.channelId : undefined)));
    for (const flight of flights.values()) if (changed.has(flight.channelId)) flight.state.stale = true;
  };

  return {
    async read(ask, viewerId) {
      events.pageRequested();
      const page = await share(ask);
      return { json: await renderFor(page, ask.channelId, viewerId, store), count: page.count };
    },
    applied(rows) {
      markStale(rows);
      cache.applied(rows);
    },
    forget(rows) {
      markStale(rows);
      cache.forget(rows);
    },
    get channels() {
      return cache.channels;
    },
    get sizeBytes() {
      return cache.sizeBytes;
    },
  };
}

async function renderFor(page: SharedPage, channelId: bigint, viewerId: bigint, store: Store): Promise<Buffer> {
  const mine = page.crowded.length === 0 ? undefined : await crowdedOf(page, channelId, viewerId, store);
  if (!page.reactors.has(viewerId) && (mine === undefined || mine.size === 0)) return page.plain;
  return renderPage(
    page.messages,
    (_message: PageMessage, reaction: ReactionCount) => reaction.userIds?.has(viewerId) ?? mine?.has(reaction) ?? false,
  );
}

/** The viewer's own among the reactions with too many users to list. */
async function crowdedOf(
  { crowded }: SharedPage,
  channelId: bigint,
  userId: bigint,
  store: Store,
): Promise<ReadonlySet<ReactionCount>> {
  const keys: ReactionKey[] = crowded.map(({ message: { messageId }, reaction: { emojiId, emojiName } }) => ({
    channelId,
    messageId,
    emojiId,
    emojiName,
    userId,
  }));
  const stored = await store.readReactions(keys);
  const mine = crowded.filter(
    ({ reaction }, index) => reaction.changed.get(userId) ?? stored[index]?.deleted === false,
  );
  return new Set(mine.map(({ reaction }) => reaction));
}

/** The plain page, and the messages where they are kept to be rendered for viewers. */
function sizeOf({ plain, messages }: SharedPage): number {
  return messages.reduce((size, { openJson }) => size + openJson.length, plain.length);
}

function windowKey(window: PageWindow): string {
  switch (window.kind) {
    case "latest":
      return `latest ${window.limit}`;
    case "one":
      return `one ${window.id}`;
    default:
      return `${window.kind} ${window.id} ${window.limit}`;
  }
}
