/** What became of an event here. */
export interface TracedEvent {
  /** Unix microseconds: its turn came, and it had been dispatched. */
  readonly receivedUs: number;
  readonly dispatchedUs: number;
  /** How many sessions got one of its dispatches. */
  readonly sessions: number;
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
  readonly #sessions: Uint32Array;
  #count = 0;

  constructor(capacity: number = usualCapacity, keepUs: number = usualKeepUs) {
    this.#keepUs = keepUs;
    this.#topics = new BigUint64Array(capacity);
    this.#seqs = new Float64Array(capacity);
    this.#received = new Float64Array(capacity);
    this.#dispatched = new Float64Array(capacity);
    this.#sessions = new Uint32Array(capacity);
  }

  /** An event has been dispatched. */
  add(topic: bigint, seq: number, { receivedUs, dispatchedUs, sessions }: TracedEvent): void {
    const place = this.#count++ % this.#topics.length;
    this.#topics[place] = topic;
    this.#seqs[place] = seq;
    this.#received[place] = receivedUs;
    this.#dispatched[place] = dispatchedUs;
    this.#sessions[place] = sessions;
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
        sessions: this.#sessions[place] as number,
      };
    }
    return undefined;
  }
}
