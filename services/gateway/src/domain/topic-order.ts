import type { EphemeralEvent, TopicEvent } from "./event.ts";

/** Seqs of a topic, both included. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** What happens to events whose turn has come. */
export interface OrderSink {
  apply(event: TopicEvent): void;
  applyEphemeral(event: EphemeralEvent): void;
}

/** Is there when the turn of an event has come: it applies the event. */
export interface OrderObserver {
  apply(sink: OrderSink, event: TopicEvent): void;
}

/** How much may wait for its turn; beyond, events are dropped and asked for again later. */
export const maxWaitingEvents = 4_096;
const maxWaitingEphemerals = 256;

/*
 * States: not started (`lastSeq` < 0; everything waits) ──start──▶ running ◀──hold, release──▶ held (everything waits).
 * While running, events are applied in the order of their seqs, each once.
 */

/** Puts the events of one topic in order. */
export class TopicOrder {
  observer: OrderObserver | undefined = undefined;
  readonly #sink: OrderSink;
  // Most topics never need these: there is one order for each account that is connected.
  #waiting: Map<number, TopicEvent> | undefined = undefined;
  #ephemerals: EphemeralEvent[] | undefined = undefined;
  #whenReached: { seq: number; act: () => void }[] | undefined = undefined;
  #lastSeq = -1;
  #highest = 0;
  #holds = 0;
  #isDraining = false;

  constructor(sink: OrderSink) {
    this.#sink = sink;
  }

  /** The seq of the last event applied; -1 = not started. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  get hasStarted(): boolean {
    return this.#lastSeq >= 0;
  }

  /** Begins after `seq`. */
  start(seq: number): void {
    this.#lastSeq = seq;
    for (const waiting of this.#waiting?.keys() ?? []) if (waiting <= seq) this.#waiting?.delete(waiting);
    this.#drain();
  }

  /** Takes an event from the bus or a refill, in any order; known ones are ignored. */
  offer(event: TopicEvent): void {
    if (event.seq <= this.#lastSeq) return;
    this.learnHead(event.seq);
    if (event.seq === this.#lastSeq + 1 && this.#canRun() && !this.#isDraining) {
      this.#drain(event);
      return;
    }
    this.#waiting ??= new Map();
    if (this.#waiting.size < maxWaitingEvents || event.seq === this.#lastSeq + 1) this.#waiting.set(event.seq, event);
    this.#drain();
  }

  /** Takes an ephemeral event; dropped when too many wait. */
  offerEphemeral(event: EphemeralEvent): void {
    if (this.#canRun() && event.asOf <= this.#lastSeq) this.#sink.applyEphemeral(event);
    else {
      this.#ephemerals ??= [];
      if (this.#ephemerals.length < maxWaitingEphemerals) this.#ephemerals.push(event);
    }
  }

  /** Somebody says that the topic has got as far as `seq`. */
  learnHead(seq: number): void {
    if (seq > this.#highest) this.#highest = seq;
  }

  /** The first events that are missing; undefined = none, or not known yet. */
  missing(): SeqRange | undefined {
    if (!this.hasStarted || this.#highest <= this.#lastSeq) return undefined;
    const from = this.#lastSeq + 1;
    if (this.#waiting?.has(from)) return undefined;
    let to = this.#highest;
    for (const seq of this.#waiting?.keys() ?? []) if (seq <= to && seq > from) to = seq - 1;
    return { from, to };
  }

  /** Lets everything wait until `release`; may be nested. */
  hold(): void {
    this.#holds++;
  }

  release(): void {
    this.#holds--;
    this.#drain();
  }

  /** Does something right after the event with `seq`, before the next; at once when that has been applied. */
  whenReached(seq: number, act: () => void): void {
    if (this.hasStarted && this.#lastSeq >= seq) act();
    else {
      this.learnHead(seq);
      this.#whenReached ??= [];
      this.#whenReached.push({ seq, act });
    }
  }

  #canRun(): boolean {
    return this.hasStarted && this.#holds === 0;
  }

  /** Applies all whose turn it is, `first` before those that wait. */
  #drain(first?: TopicEvent): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      this.#runReached();
      for (let event = first ?? this.#next(); event !== undefined; event = this.#next()) {
        if (this.observer === undefined) this.#sink.apply(event);
        else this.observer.apply(this.#sink, event);
        this.#lastSeq = event.seq;
        this.#runReached();
      }
      this.#runEphemerals();
    } finally {
      this.#isDraining = false;
    }
  }

  #next(): TopicEvent | undefined {
    if (this.#waiting === undefined || !this.#canRun()) return undefined;
    const event = this.#waiting.get(this.#lastSeq + 1);
    this.#waiting.delete(this.#lastSeq + 1);
    if (this.#waiting.size === 0) this.#waiting = undefined;
    return event;
  }

  #runReached(): void {
    if (this.#whenReached === undefined || !this.hasStarted) return;
    const due = this.#whenReached.filter(({ seq }) => seq <= this.#lastSeq);
    if (due.length === 0) return;
    const left = this.#whenReached.filter(({ seq }) => seq > this.#lastSeq);
    this.#whenReached = left.length > 0 ? left : undefined;
    for (const { act } of due) act();
  }

  #runEphemerals(): void {
    if (this.#ephemerals === undefined || !this.#canRun()) return;
    const due = this.#ephemerals.filter(({ asOf }) => asOf <= this.#lastSeq);
    const left = this.#ephemerals.filter(({ asOf }) => asOf > this.#lastSeq);
    this.#ephemerals = left.length > 0 ? left : undefined;
    for (const event of due) this.#sink.applyEphemeral(event);
  }
}
