import { GuildhallError } from "@guildhall/errors";
import type {
  BusItem,
  Opened,
  RouterServicePublishRequest,
  RouterServiceSubscribeRequest,
  RouterServiceSubscribeResponse,
} from "@guildhall/proto";
import type { SimProcess } from "../engine/sim-process.ts";
import { type KeptStream, keepStream } from "./kept-stream.ts";
import type { Network } from "./network.ts";

/** What goes onto the bus from one process. */
export interface SimPublisher {
  publish(items: readonly BusItem[]): void;
  opened(entries: readonly Opened[]): void;
}

const maxQueued = 16_384;

/** Publishes to every router, as the real publisher does: in order, and the oldest give way while a router is away. */
export function makeSimPublisher(
  network: Network,
  process: SimProcess,
  routers: readonly string[],
  source: string,
): SimPublisher {
  const known = new Map<string, Opened>();
  const links = routers.map((address) => {
    let queue: BusItem[] = [];
    let stream: KeptStream<RouterServicePublishRequest> | undefined;
    const flush = (): void => {
      if (!stream?.connected || queue.length === 0) return;
      stream.send({ items: queue, opened: [], source: "" });
      queue = [];
    };
    stream = keepStream<RouterServicePublishRequest, unknown>(
      network,
      process,
      { addresses: [address], service: "publish" },
      {
        onConnect() {
          stream?.send({ items: [], opened: [...known.values()], source });
          flush();
        },
        onMessage() {},
        onLost() {},
      },
    );
    return {
      publish(items: readonly BusItem[]): void {
        queue.push(...items);
        if (queue.length > maxQueued) queue = queue.slice(-Math.floor(maxQueued * 0.9));
        flush();
      },
      opened(entries: readonly Opened[]): void {
        flush();
        stream?.send({ items: [], opened: [...entries], source: "" });
      },
    };
  });
  return {
    publish(items) {
      const named = items.map((item) => (item.source === "" ? { ...item, source } : item));
      for (const link of links) link.publish(named);
    },
    opened(entries) {
      for (const entry of entries) {
        const key = `${entry.i}/${entry.n}`;
        if ((known.get(key)?.epoch ?? 0) <= entry.epoch) known.set(key, entry);
      }
      for (const link of links) link.opened(entries);
    },
  };
}

/** The topics that a process follows. */
export interface SimSubscriber {
  readonly connected: boolean;
  subscribe(topic: bigint): Promise<void>;
  unsubscribe(topic: bigint): void;
}

/** What a subscriber is told. */
export interface SubscriberEvents {
  onItems(items: readonly BusItem[]): void;
  onLost(): void;
}

interface Followed {
  readonly subscription: bigint;
  confirmed: boolean;
  readonly waiting: Set<PromiseWithResolvers<void>>;
}

const confirmMs = 10_000;

/** Subscribes at one router at a time, as the real subscriber does. */
export function makeSimSubscriber(
  network: Network,
  process: SimProcess,
  routers: readonly string[],
  subscriber: string,
  events: SubscriberEvents,
): SimSubscriber {
  return new Subscriber(network, process, routers, subscriber, events);
}

class Subscriber implements SimSubscriber {
  readonly #process: SimProcess;
  readonly #name: string;
  readonly #events: SubscriberEvents;
  readonly #topics = new Map<bigint, Followed>();
  readonly #bySubscription = new Map<bigint, bigint>();
  readonly #stream: KeptStream<RouterServiceSubscribeRequest>;
  #subscription = 0n;
  #dropped = 0n;
  #unconfirmed = 0;
  #isRecovering = false;

  constructor(
    network: Network,
    process: SimProcess,
    routers: readonly string[],
    subscriber: string,
    events: SubscriberEvents,
  ) {
    this.#process = process;
    this.#name = subscriber;
    this.#events = events;
    this.#stream = keepStream<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>(
      network,
      process,
      { addresses: routers, service: "subscribe" },
      {
        onConnect: () => this.#connected(),
        onMessage: (message) => this.#receive(message),
        onLost: () => this.#lost(),
      },
    );
  }

  get connected(): boolean {
    return this.#stream.connected;
  }

  async subscribe(topic: bigint): Promise<void> {
    const followed = this.#topics.get(topic) ?? this.#follow(topic);
    if (followed.confirmed) return;
    const waiter = Promise.withResolvers<void>();
    followed.waiting.add(waiter);
    const timer = this.#process.timers.after(confirmMs, () =>
      waiter.reject(new GuildhallError("UNAVAILABLE", `no router confirmed topic ${topic} in time`)),
    );
    try {
      await waiter.promise;
    } finally {
      timer[Symbol.dispose]();
      followed.waiting.delete(waiter);
    }
  }

  unsubscribe(topic: bigint): void {
    const followed = this.#topics.get(topic);
    if (followed === undefined) return;
    this.#topics.delete(topic);
    this.#bySubscription.delete(followed.subscription);
    for (const waiter of followed.waiting) waiter.reject(new GuildhallError("CANCELLED", `unsubscribed from ${topic}`));
    this.#stream.send({ subscribe: [], unsubscribe: [topic], subscriber: "" });
    if (!followed.confirmed) this.#oneLess();
  }

  #follow(topic: bigint): Followed {
    this.#subscription++;
    const followed: Followed = { subscription: this.#subscription, confirmed: false, waiting: new Set() };
    this.#topics.set(topic, followed);
    this.#bySubscription.set(followed.subscription, topic);
    this.#unconfirmed++;
    this.#stream.send({ subscribe: [{ topic, subscription: followed.subscription }], unsubscribe: [], subscriber: "" });
    return followed;
  }

  #connected(): void {
    this.#dropped = 0n;
    const subscribe = [...this.#topics].map(([topic, { subscription }]) => ({ topic, subscription }));
    this.#stream.send({ subscribe, unsubscribe: [], subscriber: this.#name });
    if (this.#unconfirmed === 0) this.#recovered();
  }

  #receive({ items, dropped }: RouterServiceSubscribeResponse): void {
    if (items.length > 0) this.#events.onItems(items);
    for (const { of } of items) if (of?.$case === "subscribed") this.#confirm(of.value.subscription);
    if (dropped <= this.#dropped) return;
    this.#dropped = dropped;
    this.#events.onLost();
  }

  #confirm(subscription: bigint): void {
    const followed = this.#topics.get(this.#bySubscription.get(subscription) ?? 0n);
    if (followed === undefined || followed.confirmed) return;
    followed.confirmed = true;
    for (const waiter of followed.waiting) waiter.resolve();
    this.#oneLess();
  }

  #oneLess(): void {
    this.#unconfirmed--;
    if (this.#unconfirmed === 0) this.#recovered();
  }

  #recovered(): void {
    if (!this.#isRecovering) return;
    this.#isRecovering = false;
    this.#events.onLost();
  }

  #lost(): void {
    this.#isRecovering = true;
    for (const followed of this.#topics.values()) followed.confirmed = false;
    this.#unconfirmed = this.#topics.size;
  }
}
