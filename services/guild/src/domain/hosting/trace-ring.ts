import type { MessageTrace, SlotRange, TraceStep } from "@guildhall/proto";
import { formatRange, rangeContains, slotOf } from "@guildhall/slots";
import type { Clock } from "../ports.ts";

/** Where messages went and when, for 10 minutes: cheap to write, slow to read. Times on the monotonic clock. */
export interface TraceRing {
  /** A message was decided; the number it is noted under. */
  begin(messageId: bigint, topic: bigint, seq: bigint, receivedMs: number): number;
  journaled(number: number): void;
  published(number: number): void;
  /** Everything of a topic up to `seq` is in the store. */
  stored(topic: bigint, seq: bigint): void;
  /** A shard changed hands, or was to. */
  handedOver(handover: Handover): void;
  /** The way of a message; no steps when it is not known. */
  find(messageId: bigint): MessageTrace;
}

/** A time in which a shard changed hands. */
export interface Handover {
  readonly range: SlotRange;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** E.g. "move m1: done". */
  readonly detail: string;
}

/** What a ring works with; `process` is named in each step. */
export interface TraceRingOptions {
  readonly clock: Clock;
  readonly process: string;
  readonly max: number;
}

const keptMs = 600_000;
const chunkSize = 4_096;
const maxStored = 16 * chunkSize;
const maxHandovers = 256;
// A message meets a move when the move is through so long before it came or after it was published.
const nearMs = 1_000;

/** Makes an empty ring of at most `max` messages. */
export function makeTraceRing(options: TraceRingOptions): TraceRing {
  return new Traces(options);
}

/** Columns of numbers, in chunks that are made when they are come to. */
class Columns {
  readonly #max: number;
  readonly #chunks: { readonly bigs: BigUint64Array[]; readonly times: Float64Array[] }[] = [];
  readonly #bigs: number;
  readonly #times: number;
  count = 0;

  constructor(max: number, bigs: number, times: number) {
    this.#max = Math.ceil(max / chunkSize) * chunkSize;
    this.#bigs = bigs;
    this.#times = times;
  }

  /** The number of a new row, whose times are all 0. */
  add(): number {
    const number = this.count++;
    const place = Math.floor((number % this.#max) / chunkSize);
    this.#chunks[place] ??= {
      bigs: Array.from({ length: this.#bigs }, () => new BigUint64Array(chunkSize)),
      times: Array.from({ length: this.#times }, () => new Float64Array(chunkSize)),
    };
    for (let column = 0; column < this.#times; column++) this.setTime(number, column, 0);
    return number;
  }

  has(number: number): boolean {
    return number >= 0 && number < this.count && number >= this.count - this.#max;
  }

  setBig(number: number, column: number, value: bigint): void {
    (this.#chunk(number).bigs[column] as BigUint64Array)[number % chunkSize] = value;
  }

  setTime(number: number, column: number, value: number): void {
    (this.#chunk(number).times[column] as Float64Array)[number % chunkSize] = value;
  }

  big(number: number, column: number): bigint {
    return (this.#chunk(number).bigs[column] as BigUint64Array)[number % chunkSize] as bigint;
  }

  time(number: number, column: number): number {
    return (this.#chunk(number).times[column] as Float64Array)[number % chunkSize] as number;
  }

  #chunk(number: number) {
    const place = Math.floor((number % this.#max) / chunkSize);
    return this.#chunks[place] as { bigs: BigUint64Array[]; times: Float64Array[] };
  }
}

const id = 0;
const ofTopic = 1;
const atSeq = 2;
const received = 0;
const decided = 1;
const journaled = 2;
const published = 3;

class Traces implements TraceRing {
  readonly #options: TraceRingOptions;
  readonly #messages: Columns;
  readonly #stored = new Columns(maxStored, 2, 1);
  #handovers: Handover[] = [];

  constructor(options: TraceRingOptions) {
    this.#options = options;
    this.#messages = new Columns(options.max, 3, 4);
  }

  begin(messageId: bigint, topic: bigint, seq: bigint, receivedMs: number): number {
    const messages = this.#messages;
    const number = messages.add();
    messages.setBig(number, id, messageId);
    messages.setBig(number, ofTopic, topic);
    messages.setBig(number, atSeq, seq);
    messages.setTime(number, received, receivedMs);
    messages.setTime(number, decided, this.#options.clock.monotonicMs());
    return number;
  }

  journaled(number: number): void {
    if (this.#messages.has(number)) this.#messages.setTime(number, journaled, this.#options.clock.monotonicMs());
  }

  published(number: number): void {
    if (this.#messages.has(number)) this.#messages.setTime(number, published, this.#options.clock.monotonicMs());
  }

  stored(topic: bigint, seq: bigint): void {
    const number = this.#stored.add();
    this.#stored.setBig(number, 0, topic);
    this.#stored.setBig(number, 1, seq);
    this.#stored.setTime(number, 0, this.#options.clock.monotonicMs());
  }

  handedOver(handover: Handover): void {
    this.#handovers.push(handover);
    if (this.#handovers.length > maxHandovers) this.#handovers.shift();
  }

  find(messageId: bigint): MessageTrace {
    const messages = this.#messages;
    const oldestMs = this.#options.clock.monotonicMs() - keptMs;
    for (let number = messages.count - 1; messages.has(number); number--) {
      if (messages.time(number, decided) < oldestMs) break;
      if (messages.big(number, id) !== messageId) continue;
      const topic = messages.big(number, ofTopic);
      const seq = messages.big(number, atSeq);
      const steps = this.#stepsOf(number, topic, seq).sort((a, b) => Number(a.atUs - b.atUs));
      return { topic, seq, steps };
    }
    return { topic: 0n, seq: 0n, steps: [] };
  }

  #stepsOf(number: number, topic: bigint, seq: bigint): TraceStep[] {
    const messages = this.#messages;
    const times: readonly (readonly [number, string])[] = [
      [messages.time(number, received), "received"],
      [messages.time(number, decided), "decided"],
      [messages.time(number, journaled), "journaled"],
      [messages.time(number, published), "published"],
      [this.#storedMs(topic, seq), "stored"],
    ];
    const steps = times.flatMap(([atMs, what]) => (atMs > 0 ? [this.#step(atMs, what, `seq ${seq}`)] : []));
    const fromMs = messages.time(number, received) - nearMs;
    const toMs = Math.max(...times.slice(0, 4).map(([atMs]) => atMs)) + nearMs;
    for (const { range, sinceMs, untilMs, detail } of this.#handovers) {
      if (!rangeContains(range, slotOf(topic)) || untilMs < fromMs || sinceMs > toMs) continue;
      steps.push(this.#step(sinceMs, "sealed", `${formatRange(range)}, ${detail}`));
      steps.push(this.#step(untilMs, "unsealed", `${formatRange(range)}, ${detail}`));
    }
    return steps;
  }

  /** When the store first had a record; 0 when that is not known. */
  #storedMs(topic: bigint, seq: bigint): number {
    const stored = this.#stored;
    let atMs = 0;
    for (let number = stored.count - 1; stored.has(number); number--) {
      if (stored.big(number, 0) !== topic) continue;
      if (stored.big(number, 1) < seq) break;
      atMs = stored.time(number, 0);
    }
    return atMs;
  }

  /** Monotonic times are shown as Unix times: of now, so that steps of one host are in order. */
  #step(atMs: number, what: string, detail: string): TraceStep {
    const { clock, process } = this.#options;
    const agoMs = clock.monotonicMs() - atMs;
    return { atUs: BigInt(Math.floor((clock.nowMs() - agoMs) * 1_000)), process, what, detail };
  }
}
