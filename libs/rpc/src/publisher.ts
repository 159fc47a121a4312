import type { BusItem, Opened } from "@guildhall/proto";
import type { Metrics } from "@guildhall/telemetry";
import { encodeItem, makePublishLink, type PublishLink } from "./publish-link.ts";

/** Who publishes, and to which routers. */
export interface PublisherOptions {
  /** Each gets every item. */
  readonly addresses: readonly string[];
  /** Name and incarnation of this process, e.g. "guild-0/17". */
  readonly source: string;
  /** Most items that wait for one router; the oldest are dropped above. Default 16,384. */
  readonly maxQueued?: number;
  readonly metrics?: Metrics | undefined;
}

/** Items and announcements to the bus. The bus may lose, it never reorders. */
export interface Publisher extends AsyncDisposable {
  /** Sends items, in order; an item without a source gets the publisher's. Never waits. */
  publish(items: readonly BusItem[]): void;
  /** Says which slots this process serves now; said again to a router whenever it comes back. */
  opened(entries: readonly Opened[]): void;
  /** Whether every router is connected. */
  readonly connected: boolean;
}

/** Makes a publisher and begins to connect to every router. */
export function makePublisher({ addresses, source, maxQueued = 16_384, metrics }: PublisherOptions): Publisher {
  /** By range. Bounded by the number of ranges that the slots can be cut into. */
  const known = new Map<string, Opened>();
  const links: readonly PublishLink[] = addresses.map((address) =>
    makePublishLink({ address, source, maxQueued, metrics, opened: () => [...known.values()] }),
  );
  return {
    get connected() {
      return links.every((link) => link.connected);
    },
    publish(items) {
      const encoded = items.map((item) => encodeItem(item.source === "" ? { ...item, source } : item));
      for (const link of links) link.publish(encoded);
    },
    opened(entries) {
      for (const entry of entries) {
        const key = `${entry.i}/${entry.n}`;
        if ((known.get(key)?.epoch ?? 0) <= entry.epoch) known.set(key, entry);
      }
      for (const link of links) link.opened(entries);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
    },
  };
}
