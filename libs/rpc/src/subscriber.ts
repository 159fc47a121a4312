import { GuildhallError } from "@guildhall/errors";
import {
  type BusItem,
  RouterServiceClient,
  type RouterServiceSubscribeRequest,
  type RouterServiceSubscribeResponse,
} from "@guildhall/proto";
import type { Metrics } from "@guildhall/telemetry";
import { makeGrpcClient, makeStreamMetadata } from "./grpc-client.ts";
import { makeStreamLink } from "./stream-link.ts";

/** Who subscribes, where, and what comes of it. */
export interface SubscriberOptions {
  /** Routers; one at a time is used, the next one after a loss. */
  readonly addresses: readonly string[];
  /** Name and incarnation of this process, e.g. "gateway-0/17". */
  readonly subscriber: string;
  /** Items in order, as they came in one message; among them beats and this subscriber's `subscribed` marks. */
  readonly onItems: (items: readonly BusItem[]) => void;
  /**
   * Items may have been missed: the router dropped some, or the stream broke. In the latter case it is called when a
   * new stream has confirmed every topic; then ask for the heads of all of them.
   */
  readonly onLost: () => void;
  /** How long `subscribe` waits for its confirmation; default 10 s. */
  readonly timeoutMs?: number;
  readonly metrics?: Metrics | undefined;
}

/** The topics that a process follows on the bus. */
export interface Subscriber extends AsyncDisposable {
  readonly connected: boolean;
  /**
   * Resolves when the router has confirmed: from its mark on, the topic's items come. UNAVAILABLE when it has not in
   * time; the topic stays followed until `unsubscribe`.
   */
  subscribe(topic: bigint): Promise<void>;
  unsubscribe(topic: bigint): void;
}

interface Followed {
  subscription: bigint;
  confirmed: boolean;
  readonly waiting: Set<PromiseWithResolvers<void>>;
}

/** Makes a subscriber and begins to connect. */
export function makeSubscriber(options: SubscriberOptions): Subscriber {
  return new BusSubscriber(options);
}

class BusSubscriber implements Subscriber {
  readonly #options: SubscriberOptions;
  readonly #clients: readonly RouterServiceClient[];
  readonly #topics = new Map<bigint, Followed>();
  readonly #bySubscription = new Map<bigint, bigint>();
  readonly #link;
  readonly #stats = { lost: 0, dropped: 0 };
  readonly #shown: Disposable | undefined;
  #at = 0;
  #subscription = 0n;
  #dropped = 0n;
  #unconfirmed = 0;
  /** The stream broke; `onLost` is due when every topic is confirmed on the new one. */
  #recovering = false;
  #subscribe: bigint[] = [];
  #unsubscribe: bigint[] = [];
  #flushing = false;
  #hasRoom = false;
  #closed = false;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#clients = options.addresses.map((address) => makeGrpcClient(RouterServiceClient, address));
    this.#link = makeStreamLink<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>({
      open: () => this.#open(),
      onConnect: () => this.#connected(),
      onMessage: (message) => this.#receive(message),
      onRoom: () => {
        this.#hasRoom = true;
        this.#flush();
      },
      onLost: () => this.#lost(),
    });
    this.#shown = options.metrics && this.#show(options.metrics);
  }

  get connected(): boolean {
    return this.#link.state === "connected";
  }

  async subscribe(topic: bigint): Promise<void> {
    if (this.#closed) throw closedError();
    const followed = this.#topics.get(topic) ?? this.#follow(topic);
    if (followed.confirmed) return;
    const waiter = Promise.withResolvers<void>();
    followed.waiting.add(waiter);
    const late = () => waiter.reject(new GuildhallError("UNAVAILABLE", `no router confirmed topic ${topic} in time`));
    const timer = setTimeout(late, this.#options.timeoutMs ?? 10_000);
    try {
      await waiter.promise;
    } finally {
      clearTimeout(timer);
      followed.waiting.delete(waiter);
    }
  }

  unsubscribe(topic: bigint): void {
    const followed = this.#topics.get(topic);
    if (!followed) return;
    this.#topics.delete(topic);
    this.#bySubscription.delete(followed.subscription);
    for (const waiter of followed.waiting) waiter.reject(new GuildhallError("CANCELLED", `unsubscribed from ${topic}`));
    if (this.connected) {
      this.#unsubscribe.push(topic);
      this.#schedule();
    }
    if (!followed.confirmed) this.#oneLess();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#link.finish();
    this.#link.close();
    for (const { waiting } of this.#topics.values()) for (const waiter of waiting) waiter.reject(closedError());
    this.#shown?.[Symbol.dispose]();
    for (const client of this.#clients) client.close();
  }

  #open() {
    const client = this.#clients[this.#at % this.#clients.length];
    if (!client) throw new GuildhallError("BAD_CONFIG", "a subscriber needs a router's address");
    this.#at += 1;
    // Without waitForReady a router that is down fails the stream at once, and the next one is tried.
    const metadata = makeStreamMetadata(this.#options.subscriber);
    if (this.#clients.length > 1) metadata.setOptions({ waitForReady: false });
    return client.subscribe(metadata);
  }

  #follow(topic: bigint): Followed {
    this.#subscription += 1n;
    const followed: Followed = { subscription: this.#subscription, confirmed: false, waiting: new Set() };
    this.#topics.set(topic, followed);
    this.#bySubscription.set(followed.subscription, topic);
    this.#unconfirmed += 1;
    if (this.connected) {
      this.#subscribe.push(topic);
      this.#schedule();
    }
    return followed;
  }

  #connected(): void {
    this.#hasRoom = this.#link.send({ subscribe: [], unsubscribe: [], subscriber: this.#options.subscriber });
    this.#dropped = 0n;
    this.#subscribe = [...this.#topics.keys()];
    this.#unsubscribe = [];
    this.#flush();
    if (this.#unconfirmed === 0) this.#recovered();
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
    if (!this.#hasRoom || this.#subscribe.length + this.#unsubscribe.length === 0) return;
    const subscribe = [...new Set(this.#subscribe)].flatMap((topic) => {
      const followed = this.#topics.get(topic);
      return followed && !followed.confirmed ? [{ topic, subscription: followed.subscription }] : [];
    });
    const unsubscribe = this.#unsubscribe;
    this.#subscribe = [];
    this.#unsubscribe = [];
    // In a message of its own, so that a topic left and followed again in one turn ends up followed.
    if (unsubscribe.length > 0) this.#hasRoom = this.#link.send({ subscribe: [], unsubscribe, subscriber: "" });
    if (subscribe.length > 0) this.#hasRoom = this.#link.send({ subscribe, unsubscribe: [], subscriber: "" });
  }

  #receive({ items, dropped }: RouterServiceSubscribeResponse): void {
    if (items.length > 0) this.#options.onItems(items);
    for (const { of } of items) if (of?.$case === "subscribed") this.#confirm(of.value.subscription);
    if (dropped > this.#dropped) {
      this.#stats.dropped += Number(dropped - this.#dropped);
      this.#dropped = dropped;
      this.#options.onLost();
    }
  }

  #confirm(subscription: bigint): void {
    const topic = this.#bySubscription.get(subscription);
    const followed = topic === undefined ? undefined : this.#topics.get(topic);
    if (!followed || followed.confirmed) return;
    followed.confirmed = true;
    for (const waiter of followed.waiting) waiter.resolve();
    this.#oneLess();
  }

  #oneLess(): void {
    this.#unconfirmed -= 1;
    if (this.#unconfirmed === 0) this.#recovered();
  }

  #recovered(): void {
    if (!this.#recovering) return;
    this.#recovering = false;
    this.#options.onLost();
  }

  #lost(): void {
    this.#hasRoom = false;
    this.#stats.lost += 1;
    this.#recovering = true;
    for (const followed of this.#topics.values()) followed.confirmed = false;
    this.#unconfirmed = this.#topics.size;
  }

  #show(metrics: Metrics): Disposable {
    const lost = metrics.counter("guildhall_rpc_bus_lost_total", "Bus streams that broke.");
    const dropped = metrics.counter(
      "guildhall_rpc_bus_missed_total",
      "Items that the router dropped for this process.",
    );
    const topics = metrics.gauge("guildhall_rpc_bus_topics", "Topics followed.");
    const shown = { lost: 0, dropped: 0 };
    return metrics.beforeRead(() => {
      lost.inc(this.#stats.lost - shown.lost);
      dropped.inc(this.#stats.dropped - shown.dropped);
      Object.assign(shown, this.#stats);
      topics.set(this.#topics.size);
    });
  }
}

function closedError(): GuildhallError {
  return new GuildhallError("UNAVAILABLE", "the subscriber is closed");
}
