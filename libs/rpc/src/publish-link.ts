import {
  type BusItem,
  type Opened,
  RouterServiceClient,
  type RouterServicePublishResponse,
  RouterServiceService,
} from "@guildhall/proto";
import type { Metrics } from "@guildhall/telemetry";
import { type Chunks, countInBatch, joinChunks } from "./batch-codec.ts";
import { encodersOf } from "./batch-encoders.ts";
import { makeGrpcClient, makeStreamMetadata } from "./grpc-client.ts";
import { makeStreamLink } from "./stream-link.ts";

/** One router's share of a publisher. */
export interface PublishLink extends AsyncDisposable {
  readonly connected: boolean;
  publish(items: readonly EncodedItem[]): void;
  opened(entries: readonly Opened[]): void;
}

/** An item as every router is sent it: the encoding of a message with this item alone. */
export interface EncodedItem {
  readonly bytes: Uint8Array;
}

const { path, responseDeserialize } = RouterServiceService.publish;
const { request: encode } = encodersOf(RouterServiceService.publish);

/** Encodes an item once for all routers. */
export function encodeItem(item: BusItem): EncodedItem {
  return { bytes: encode({ items: [item], opened: [], source: "" }) };
}

/** `opened` gives all entries known, for a stream that begins. */
export interface PublishLinkOptions {
  readonly address: string;
  readonly source: string;
  readonly maxQueued: number;
  readonly metrics: Metrics | undefined;
  readonly opened: () => Opened[];
}

/** Items wait in memory up to this many bytes, whatever their number. */
const maxQueuedBytes = 64 * 1024 * 1024;
const finishMs = 1_000;

/** Makes the link and begins to connect. */
export function makePublishLink(options: PublishLinkOptions): PublishLink {
  return new Link(options);
}

class Link implements PublishLink {
  readonly #options: PublishLinkOptions;
  readonly #client: RouterServiceClient;
  readonly #link;
  readonly #stats = { sent: 0, dropped: 0 };
  readonly #shown: Disposable | undefined;
  readonly #ended = Promise.withResolvers<void>();
  #queue: EncodedItem[] = [];
  #queuedBytes = 0;
  #announcements: Opened[] = [];
  #hasRoom = false;
  #flushing = false;

  constructor(options: PublishLinkOptions) {
    this.#options = options;
    this.#client = makeGrpcClient(RouterServiceClient, options.address);
    this.#link = makeStreamLink<Chunks, RouterServicePublishResponse>({
      open: () =>
        this.#client.makeBidiStreamRequest(path, joinChunks, responseDeserialize, makeStreamMetadata(options.source)),
      onConnect: () => this.#connected(),
      onMessage: () => {},
      onRoom: () => {
        this.#hasRoom = true;
        this.#flush();
      },
      onLost: () => {
        this.#hasRoom = false;
        this.#ended.resolve();
      },
    });
    this.#shown = options.metrics && this.#show(options.metrics, options.address);
  }

  get connected(): boolean {
    return this.#link.state === "connected";
  }

  publish(items: readonly EncodedItem[]): void {
    for (const item of items) {
      this.#queue.push(item);
      this.#queuedBytes += item.bytes.length;
    }
    this.#dropOldest();
    this.#schedule();
  }

  opened(entries: readonly Opened[]): void {
    // A router that is away is told all of them when it is back.
    if (!this.connected) return;
    this.#announcements.push(...entries);
    this.#schedule();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.connected) {
      this.#flush();
      this.#link.finish();
      const timer = setTimeout(this.#ended.resolve, finishMs);
      await this.#ended.promise;
      clearTimeout(timer);
    }
    this.#link.close();
    this.#shown?.[Symbol.dispose]();
    this.#client.close();
  }

  #connected(): void {
    const { opened, source } = this.#options;
    this.#announcements = [];
    this.#hasRoom = this.#link.send([encode({ items: [], opened: opened(), source })]);
    this.#flush();
  }

  #schedule(): void {
    if (this.#flushing || !this.#hasRoom) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const queue = this.#queue;
    let next = 0;
    while (this.#hasRoom && (next < queue.length || this.#announcements.length > 0)) {
      const count = countInBatch(queue, next);
      const chunks: Uint8Array[] = [];
      for (const { bytes } of queue.slice(next, next + count)) {
        this.#queuedBytes -= bytes.length;
        chunks.push(bytes);
      }
      next += count;
      this.#stats.sent += count;
      if (this.#announcements.length > 0) {
        chunks.push(encode({ items: [], opened: this.#announcements, source: "" }));
        this.#announcements = [];
      }
      this.#hasRoom = this.#link.send(chunks);
    }
    if (next > 0) this.#queue = queue.slice(next);
  }

  /** While a router is away or slow the oldest items give way: gateways find the gap and refill it from the host. */
  #dropOldest(): void {
    const { maxQueued } = this.#options;
    const queue = this.#queue;
    if (queue.length <= maxQueued && this.#queuedBytes <= maxQueuedBytes) return;
    // Some more than needed, so that a full queue is not moved for each item.
    const keep = Math.floor(maxQueued * 0.9);
    let drop = 0;
    while (queue.length - drop > keep || this.#queuedBytes > maxQueuedBytes) {
      this.#queuedBytes -= queue[drop]?.bytes.length ?? 0;
      drop += 1;
    }
    this.#queue = queue.slice(drop);
    this.#stats.dropped += drop;
  }

  #show(metrics: Metrics, peer: string): Disposable {
    const sent = metrics.counter("guildhall_rpc_bus_sent_total", "Items sent to a router.", ["peer"]);
    const dropped = metrics.counter("guildhall_rpc_bus_dropped_total", "Items that gave way in a full queue.", [
      "peer",
    ]);
    const waiting = metrics.gauge("guildhall_rpc_bus_queued", "Items that wait for a router.", ["peer"]);
    const shown = { sent: 0, dropped: 0 };
    return metrics.beforeRead(() => {
      sent.inc({ peer }, this.#stats.sent - shown.sent);
      dropped.inc({ peer }, this.#stats.dropped - shown.dropped);
      Object.assign(shown, this.#stats);
      waiting.set({ peer }, this.#queue.length);
    });
  }
}
