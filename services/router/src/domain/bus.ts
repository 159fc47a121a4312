import { GuildhallError } from "@guildhall/errors";
import type { BusItem, SubscribeTopic } from "@guildhall/proto";
import { makeOutbox, type Outbox, type OutboxLimits, type Sink } from "./outbox.ts";

/** How much the bus holds. */
export interface BusLimits {
  readonly subscribers: number;
  readonly topicsPerSubscriber: number;
  readonly outbox: OutboxLimits;
}

/** What the bus uses. `schedule` runs a function soon, after what has arrived by now has been taken in. */
export interface BusOptions {
  readonly schedule: (run: () => void) => void;
  readonly limits?: BusLimits;
  /** An item was left out because its subscriber is too slow. */
  readonly onDropped: () => void;
}

/** One subscriber. Disposing it takes it off the bus. */
export interface Subscriber extends Disposable {
  /**
   * From the confirmation on, which comes in order with the items, the topic's items come. Throws QUEUE_FULL past the
   * limit of topics.
   */
  subscribe(asked: SubscribeTopic): void;
  unsubscribe(topic: bigint): void;
  /** Its stream takes writes again. */
  drained(): void;
}

/** Carries items from publishers to subscribers. It may lose, and never reorders what one publisher sends. */
export interface Bus {
  /** Adds a subscriber that follows no topic. Throws QUEUE_FULL past the limit of subscribers. */
  open(sink: Sink): Subscriber;
  /** Hands on one item: to the topic's subscribers, a beat to all. */
  publish(item: BusItem): void;
  counts(): { readonly subscribers: number; readonly topics: number; readonly queued: number };
}

const defaultLimits: BusLimits = {
  subscribers: 1_000,
  topicsPerSubscriber: 500_000,
  outbox: { items: 20_000, bytes: 16 << 20 },
};

/** Makes a bus without subscribers. */
export function makeBus({ schedule, onDropped, limits = defaultLimits }: BusOptions): Bus {
  const outboxes = new Set<Outbox>();
  const followers = new Map<bigint, Set<Outbox>>();

  function leave(topic: bigint, outbox: Outbox): void {
    const set = followers.get(topic);
    if (set?.delete(outbox) && set.size === 0) followers.delete(topic);
  }

  return {
    open(sink) {
      if (outboxes.size >= limits.subscribers) throw new GuildhallError("QUEUE_FULL", "too many subscribers");
      const outbox = makeOutbox({ sink, schedule, onDropped, limits: limits.outbox });
      const topics = new Set<bigint>();
      outboxes.add(outbox);
      return {
        subscribe({ topic, subscription }) {
          if (!topics.has(topic) && topics.size >= limits.topicsPerSubscriber)
            throw new GuildhallError("QUEUE_FULL", "too many topics");
          topics.add(topic);
          const set = followers.get(topic) ?? new Set();
          followers.set(topic, set.add(outbox));
          outbox.confirm({ topic, of: { $case: "subscribed", value: { subscription } }, source: "" });
        },
        unsubscribe(topic) {
          if (topics.delete(topic)) leave(topic, outbox);
        },
        drained: outbox.drained,
        [Symbol.dispose]() {
          outboxes.delete(outbox);
          for (const topic of topics) leave(topic, outbox);
          outbox.close();
        },
      };
    },
    publish(item) {
      const receivers = item.of?.$case === "beat" ? outboxes : followers.get(item.topic);
      if (receivers === undefined) return;
      for (const outbox of receivers) outbox.add(item);
    },
    counts() {
      let queued = 0;
      for (const outbox of outboxes) queued += outbox.size();
      return { subscribers: outboxes.size, topics: followers.size, queued };
    },
  };
}
