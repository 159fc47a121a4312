import { makeQueue, type Queue } from "./queue.ts";

/** An event of a topic, encoded. */
export interface RingEvent {
  readonly seq: bigint;
  readonly bytes: Buffer;
}

/** The last events of a shard's topics, for refills. Bounded by bytes and age over all topics. */
export interface Ring {
  readonly sizeBytes: number;
  add(topic: bigint, seq: bigint, bytes: Buffer): void;
  /** The events from `fromSeq` to `toSeq` if all of them are held; else undefined. */
  read(topic: bigint, fromSeq: bigint, toSeq: bigint): Buffer[] | undefined;
  /** Two rings, of the topics that are in the first half and of the others; this one is empty then. */
  split(isLow: (topic: bigint) => boolean): [Ring, Ring];
}

/** What a ring is bounded by. */
export interface RingOptions {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly monotonicMs: () => number;
}

/** The events of one topic. */
interface TopicEvents {
  readonly topic: bigint;
  readonly events: Queue<RingEvent>;
}

interface Kept extends RingEvent {
  readonly of: TopicEvents;
  readonly atMs: number;
}

/** Makes a ring. */
export function makeRing(options: RingOptions): Ring {
  return new EventRing(options);
}

class EventRing implements Ring {
  sizeBytes = 0;
  readonly #options: RingOptions;
  #topics = new Map<bigint, TopicEvents>();
  #order = makeQueue<Kept>();

  constructor(options: RingOptions) {
    this.#options = options;
  }

  add(topic: bigint, seq: bigint, bytes: Buffer): void {
    let of = this.#topics.get(topic);
    const last = of?.events.at(of.events.size - 1);
    if (last !== undefined && last.seq >= seq) return;
    if (of === undefined) {
      of = { topic, events: makeQueue() };
      this.#topics.set(topic, of);
    }
    const kept = { of, seq, bytes, atMs: this.#options.monotonicMs() };
    this.#keep(kept);
    of.events.push(kept);
    this.#evict();
  }

  read(topic: bigint, fromSeq: bigint, toSeq: bigint): Buffer[] | undefined {
    const events = this.#topics.get(topic)?.events;
    const first = events?.at(0);
    if (events === undefined || first === undefined || first.seq > fromSeq) return undefined;
    const found = events.slice(Number(fromSeq - first.seq), Number(toSeq - first.seq) + 1);
    // Holes (a rebuild between two events) are for the journal to fill.
    const whole = found.length === Number(toSeq - fromSeq) + 1 && found.at(-1)?.seq === toSeq;
    return whole ? found.map(({ bytes }) => bytes) : undefined;
  }

  split(isLow: (topic: bigint) => boolean): [Ring, Ring] {
    const low = new EventRing(this.#options);
    const high = new EventRing(this.#options);
    const lows = new Set<TopicEvents>();
    for (const [topic, of] of this.#topics) {
      const goesLow = isLow(topic);
      if (goesLow) lows.add(of);
      (goesLow ? low : high).#topics.set(topic, of);
    }
    // No look at a topic's id for each event: there may be very many.
    for (const kept of this.#order.slice(0, this.#order.size)) (lows.has(kept.of) ? low : high).#keep(kept);
    this.#topics = new Map();
    this.#order = makeQueue();
    this.sizeBytes = 0;
    return [low, high];
  }

  #keep(kept: Kept): void {
    this.#order.push(kept);
    this.sizeBytes += kept.bytes.length;
  }

  #evict(): void {
    const { monotonicMs, maxAgeMs, maxBytes } = this.#options;
    const oldestMs = monotonicMs() - maxAgeMs;
    for (let kept = this.#order.at(0); kept !== undefined; kept = this.#order.at(0)) {
      if (this.sizeBytes <= maxBytes && kept.atMs >= oldestMs) break;
      this.#order.shift();
      this.sizeBytes -= kept.bytes.length;
      kept.of.events.shift();
      if (kept.of.events.size === 0) this.#topics.delete(kept.of.topic);
    }
  }
}
