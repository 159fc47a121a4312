import type { TopicEvent } from "./event.ts";
import type { OrderObserver, OrderSink } from "./topic-order.ts";

/** What became of an event here. */
export interface TracedEvent {
  /** Unix microseconds: its turn came, and it had been dispatched. */
  readonly receivedUs: number;
  readonly dispatchedUs: number;
  /** Its dispatches, over all sessions that got one. */
  readonly dispatches: number;
}

const usualCapacity = 65_536;
const usualKeepUs = 10 * 60_000_000;

/** Remembers when events were dispatched, and to how many: so many of them at most, and for so long. */
export class TraceRing {
  readonly #keepUs: number;
  readonly #topics: BigUint64Array;
  readonly #seqs: Float64Array;
  readonly #received: Float64Array;
  readonly #dispatched: Float64Array;
  readonly #dispatches: Uint32Array;
  #count = 0;

  constructor(capacity: number = usualCapacity, keepUs: number = usualKeepUs) {
    this.#keepUs = keepUs;
    this.#topics = new BigUint64Array(capacity);
    this.#seqs = new Float64Array(capacity);
    this.#received = new Float64Array(capacity);
    this.#dispatched = new Float64Array(capacity);
    this.#dispatches = new Uint32Array(capacity);
  }

  /** An event has been dispatched. */
  add(topic: bigint, seq: number, { receivedUs, dispatchedUs, dispatches }: TracedEvent): void {
    const place = this.#count++ % this.#topics.length;
    this.#topics[place] = topic;
    this.#seqs[place] = seq;
    this.#received[place] = receivedUs;
    this.#dispatched[place] = dispatchedUs;
    this.#dispatches[place] = dispatches;
  }

  /** What is remembered of an event. */
  find(topic: bigint, seq: number, nowUs: number): TracedEvent | undefined {
    const capacity = this.#topics.length;
    for (let at = this.#count - 1; at >= 0 && at >= this.#count - capacity; at--) {
      const place = at % capacity;
      const receivedUs = this.#received[place] as number;
      if (receivedUs < nowUs - this.#keepUs) return undefined;
      if (this.#seqs[place] !== seq || this.#topics[place] !== topic) continue;
      return {
        receivedUs,
        dispatchedUs: this.#dispatched[place] as number,
        dispatches: this.#dispatches[place] as number,
      };
    }
    return undefined;
  }
}

/** What a tracer uses. */
export interface EventTracerPorts {
  readonly ring: TraceRing;
  /** Unix time in milliseconds, with fractions. */
  nowMs(): number;
  /** Dispatches handed to connections since the start, or since any other moment before this turn. */
  dispatched(): number;
}

/** Notes each event once, when it is applied. */
export class EventTracer implements OrderObserver {
  readonly #ports: EventTracerPorts;

  constructor(ports: EventTracerPorts) {
    this.#ports = ports;
  }

  apply(sink: OrderSink, event: TopicEvent): void {
    const { ring, nowMs, dispatched } = this.#ports;
    const receivedUs = nowMs() * 1_000;
    const before = dispatched();
    sink.apply(event);
    ring.add(event.topic, event.seq, {
      receivedUs,
      dispatchedUs: nowMs() * 1_000,
      dispatches: dispatched() - before,
    });
  }
}
