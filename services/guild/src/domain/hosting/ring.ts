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
}

interface Kept extends RingEvent {
  readonly topic: bigint;
  readonly atMs: number;
}

/** Makes a ring. */
export function makeRing(options: {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly monotonicMs: () => number;
}): Ring {
  const topics = new Map<bigint, Queue<RingEvent>>();
  const order = makeQueue<Kept>();
  let sizeBytes = 0;

  const evict = (): void => {
    const oldestMs = options.monotonicMs() - options.maxAgeMs;
    for (let kept = order.at(0); kept !== undefined; kept = order.at(0)) {
      if (sizeBytes <= options.maxBytes && kept.atMs >= oldestMs) break;
      order.shift();
      sizeBytes -= kept.bytes.length;
      const events = topics.get(kept.topic) as Queue<RingEvent>;
      events.shift();
      if (events.size === 0) topics.delete(kept.topic);
    }
  };

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add(topic, seq, bytes) {
      const kept = { topic, seq, bytes, atMs: options.monotonicMs() };
      const events = topics.get(topic) ?? makeQueue<RingEvent>();
      const last = events.at(events.size - 1);
      if (last !== undefined && last.seq >= seq) return;
      order.push(kept);
      sizeBytes += bytes.length;
      events.push(kept);
      topics.set(topic, events);
      evict();
    },
    read(topic, fromSeq, toSeq) {
      const events = topics.get(topic);
      const first = events?.at(0);
      if (events === undefined || first === undefined || first.seq > fromSeq) return undefined;
      const found = events.slice(Number(fromSeq - first.seq), Number(toSeq - first.seq) + 1);
      // Holes (a rebuild between two events) are for the journal to fill.
      const whole = found.length === Number(toSeq - fromSeq) + 1 && found.at(-1)?.seq === toSeq;
      return whole ? found.map(({ bytes }) => bytes) : undefined;
    },
  };
}

/** First in, first out, and by place; taking the first one moves no others, however many there are. */
interface Queue<T> {
  readonly size: number;
  at(place: number): T | undefined;
  slice(from: number, to: number): T[];
  push(item: T): void;
  shift(): void;
}

// What is gone is cut away when it is most of the whole, so that each item is moved about once.
const cutFrom = 32;

function makeQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = [];
  let begin = 0;
  return {
    get size() {
      return items.length - begin;
    },
    at: (place) => items[begin + place],
    slice: (from, to) => items.slice(begin + from, begin + to) as T[],
    push: (item) => void items.push(item),
    shift() {
      items[begin] = undefined;
      begin++;
      if (begin < cutFrom || begin * 2 < items.length) return;
      items = items.slice(begin);
      begin = 0;
    },
  };
}
