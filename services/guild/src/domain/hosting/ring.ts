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
  const topics = new Map<bigint, RingEvent[]>();
  let order: Kept[] = [];
  let begin = 0;
  let sizeBytes = 0;

  const evict = (): void => {
    const oldestMs = options.monotonicMs() - options.maxAgeMs;
    for (let kept = order[begin]; kept !== undefined; kept = order[begin]) {
      if (sizeBytes <= options.maxBytes && kept.atMs >= oldestMs) break;
      begin++;
      sizeBytes -= kept.bytes.length;
      const events = topics.get(kept.topic) as RingEvent[];
      events.shift();
      if (events.length === 0) topics.delete(kept.topic);
    }
    if (begin > 4_096) {
      order = order.slice(begin);
      begin = 0;
    }
  };

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    add(topic, seq, bytes) {
      const kept = { topic, seq, bytes, atMs: options.monotonicMs() };
      const events = topics.get(topic);
      const last = events?.at(-1);
      // A topic is held without holes; one that would have a hole begins anew from here.
      if (last !== undefined && last.seq >= seq) return;
      order.push(kept);
      sizeBytes += bytes.length;
      if (events === undefined) topics.set(topic, [kept]);
      else events.push(kept);
      evict();
    },
    read(topic, fromSeq, toSeq) {
      const events = topics.get(topic);
      const first = events?.[0];
      if (events === undefined || first === undefined || first.seq > fromSeq) return undefined;
      const found = events.slice(Number(fromSeq - first.seq), Number(toSeq - first.seq) + 1);
      // Holes (a rebuild between two events) are for the journal to fill.
      const whole = found.length === Number(toSeq - fromSeq) + 1 && found.at(-1)?.seq === toSeq;
      return whole ? found.map(({ bytes }) => bytes) : undefined;
    },
  };
}
