import { GuildhallError } from "@guildhall/errors";
import type { EpochRecord } from "@guildhall/proto";
import type { Clock, JournalRecord, Timers } from "../ports.ts";
import type { Appender, Appending, AppendOutcome } from "./appender.ts";
import type { HostStats } from "./host-stats.ts";
import { isRefusedByJournal, type JournalGate } from "./journal-gate.ts";

/*
 * States of a topic's pipeline:
 *
 *   open ──any answer but stored, or none──▶ sealed ──all resent records stored──▶ open
 *     │                                        ├──fenced──▶ closed (the shard is lost)
 *     └──close()──▶ closed                     ├──another record at that seq──▶ closed (broken)
 *                                              ├──not settled in time, certainly nothing stored──▶ closed (broken)
 *                                              └──not settled in time──▶ stalled ──as sealed──▶ open, closed
 *
 * While sealed nothing is decided; what is in flight is resent as it is, in order. While stalled the same, but nobody is
 * made to wait for it: a record of unknown outcome may land at any time, and what was decided without it would be wrong.
 * Closed is for good: the topic is opened anew from store and journal.
 */

/** A decided record, until it is stored. */
export interface Flight {
  readonly record: JournalRecord;
  readonly sizeBytes: number;
  /** It is durable; called in seq order. */
  stored(position: bigint): void;
  /** Its asker is to be told this. When the outcome is unknown, `stored` may be called later all the same. */
  failed(error: GuildhallError): void;
}

/** Records of one topic on their way to the journal. */
export interface Pipeline {
  readonly durableSeq: bigint;
  readonly size: number;
  readonly state: "open" | "sealed" | "stalled" | "closed";
  /** The position below which nothing in flight can lie; undefined when nothing is in flight. */
  readonly floor: bigint | undefined;
  push(flight: Flight): void;
  /** Resolves once everything up to `seq` is durable; rejects when that is not known to happen. */
  whenDurable(seq: bigint): Promise<void> | undefined;
  /** Resolves when the topic is not sealed any more; undefined when it is open. Rejects when closed or stalled. */
  whenOpen(): Promise<void> | undefined;
  /** Ends it: everybody is answered with the error, or that the outcome is unknown where something may be stored. */
  close(error: GuildhallError): void;
}

/** What a pipeline works with. */
export interface PipelineOptions {
  readonly durableSeq: bigint;
  readonly appender: Appender;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly settleMs: number;
  readonly gate: JournalGate;
  readonly stats: HostStats;
  /** A higher epoch is in force. */
  readonly lost: (owner: EpochRecord | undefined) => void;
  /** What is durable is not what is in memory; the pipeline is closed. No record of unknown outcome lies below `floor`. */
  readonly broken: (floor: bigint) => void;
}

interface InFlight extends Appending {
  readonly flight: Flight;
  outcome: AppendOutcome | undefined;
  /** Some sending of it may have been executed without our knowing. */
  unknown: boolean;
}

interface Waiter {
  readonly seq: bigint;
  resolve(): void;
  reject(error: GuildhallError): void;
}

const firstPauseMs = 50;
const maxPauseMs = 1_000;
// How long records are held that the journal would not take, and that are certainly not in it.
const refusalMs = 2_000;

/** Makes the pipeline of a topic whose last stored record is `durableSeq`. */
export function makePipeline(options: PipelineOptions): Pipeline {
  return new TopicPipeline(options);
}

class TopicPipeline implements Pipeline {
  state: Pipeline["state"] = "open";
  durableSeq: bigint;
  readonly #options: PipelineOptions;
  #flights: InFlight[] = [];
  #unanswered = 0;
  #durable: Waiter[] = [];
  #opened: PromiseWithResolvers<void> | undefined;
  #closedBy: GuildhallError | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.durableSeq = options.durableSeq;
  }

  get size(): number {
    return this.#flights.length;
  }

  get floor(): bigint | undefined {
    return this.#flights[0]?.floor;
  }

  push(flight: Flight): void {
    const { record, sizeBytes } = flight;
    const inFlight: InFlight = {
      record,
      sizeBytes,
      flight,
      floor: 0n,
      outcome: undefined,
      unknown: false,
      answered: (outcome) => this.#answered(inFlight, outcome),
    };
    this.#flights.push(inFlight);
    this.#unanswered++;
    this.#options.appender.append(inFlight);
  }

  whenDurable(seq: bigint): Promise<void> | undefined {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (seq <= this.durableSeq) return undefined;
    if (this.state === "stalled") return Promise.reject(stalledError());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#durable.push({ seq, resolve, reject });
    return promise;
  }

  whenOpen(): Promise<void> | undefined {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    if (this.state === "open") return undefined;
    if (this.state === "stalled") return Promise.reject(stalledError());
    this.#opened ??= Promise.withResolvers<void>();
    return this.#opened.promise;
  }

  close(error: GuildhallError): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.#closedBy = error;
    const flights = this.#flights;
    this.#flights = [];
    for (const inFlight of flights) inFlight.flight.failed(this.#errorOf(inFlight, error));
    this.#rejectWaiting(error);
  }

  #rejectWaiting(error: GuildhallError): void {
    for (const waiter of this.#durable.splice(0)) waiter.reject(error);
    // Nobody may be waiting: the rejection is theirs, not the process's.
    this.#opened?.promise.catch(() => {});
    this.#opened?.reject(error);
    this.#opened = undefined;
  }

  #answered(inFlight: InFlight, outcome: AppendOutcome): void {
    if (this.state === "closed") return;
    this.#unanswered--;
    this.#note(inFlight, outcome);
    this.#release();
    if (outcome.is !== "stored" && this.state === "open") {
      this.state = "sealed";
      this.#options.stats.seals++;
    }
    if (this.state === "sealed" && this.#unanswered === 0) void this.#settle();
  }

  #note(inFlight: InFlight, outcome: AppendOutcome): void {
    if (inFlight.outcome?.is === "stored") return;
    inFlight.outcome = outcome;
    if (outcome.is === "failed" && !outcome.certain) inFlight.unknown = true;
  }

  /** Hands over what is stored, in order, up to the first that is not. */
  #release(): void {
    let count = 0;
    for (const { outcome, flight, record } of this.#flights) {
      if (outcome?.is !== "stored") break;
      count++;
      this.durableSeq = record.seq;
      flight.stored(outcome.position);
    }
    if (count === 0) return;
    this.#options.gate.open();
    this.#flights.splice(0, count);
    let served = 0;
    for (const waiter of this.#durable) {
      // In order of seq: a reader always waits for all that is decided.
      if (waiter.seq > this.durableSeq) break;
      served++;
      waiter.resolve();
    }
    if (served > 0) this.#durable.splice(0, served);
  }

  /** Finds out what became of everything in flight by sending it again. */
  async #settle(): Promise<void> {
    const { clock, settleMs } = this.#options;
    const sinceMs = clock.monotonicMs();
    let pauseMs = firstPauseMs;
    for (;;) {
      if (this.#isDone()) return;
      const isRefused = this.#flights.every(isRefusedFlight);
      const patienceMs = isRefused ? this.#refusalPatienceMs() : settleMs;
      if (this.state === "sealed" && clock.monotonicMs() - sinceMs >= patienceMs) {
        if (!this.#flights.some(mayBeStored)) return this.#giveUp(isRefused);
        this.#stall();
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
      const flights = [...this.#flights];
      const outcomes = await this.#options.appender.resend(flights);
      if (!this.#isSettling()) return;
      flights.forEach((inFlight, index) => {
        this.#note(inFlight, outcomes[index] as AppendOutcome);
      });
      this.#release();
    }
  }

  /** Whether settling is over: everything stored, or certain not to be. */
  #isDone(): boolean {
    if (!this.#isSettling()) return true;
    const fenced = this.#flights.find(({ outcome }) => outcome?.is === "fenced");
    if (fenced?.outcome?.is === "fenced") {
      this.#options.lost(fenced.outcome.owner);
      return true;
    }
    const [first] = this.#flights;
    if (first === undefined) {
      this.state = "open";
      this.#opened?.resolve();
      this.#opened = undefined;
      return true;
    }
    // Ahead of us: another record holds this seq. Behind us: the journal lacks what it said it had.
    if (first.outcome?.is === "gap" && first.outcome.last !== first.record.seq - 1n) {
      this.#break(new GuildhallError("UNAVAILABLE", "the topic went on without this record"));
      return true;
    }
    return false;
  }

  /** Once it is known that the journal takes nothing, nobody is made to wait for it. */
  #refusalPatienceMs(): number {
    const { gate, settleMs } = this.#options;
    return gate.isShut ? 0 : Math.min(refusalMs, settleMs);
  }

  #isSettling(): boolean {
    return this.state === "sealed" || this.state === "stalled";
  }

  /** Stops making people wait, and goes on settling. */
  #stall(): void {
    this.state = "stalled";
    this.#options.stats.stalls++;
    for (const { flight } of this.#flights) flight.failed(this.#outcomeUnknown());
    this.#rejectWaiting(stalledError());
  }

  /** Ends what certainly did not get into the journal. */
  #giveUp(isRefused: boolean): void {
    if (isRefused) this.#options.gate.shut();
    this.#break(new GuildhallError("UNAVAILABLE", "the journal is not reached", { retryAfterMs: 1_000 }));
  }

  #break(error: GuildhallError): void {
    const flights = this.#flights;
    const floor = this.floor ?? this.#options.appender.highest;
    this.#flights = [];
    for (const inFlight of flights) inFlight.flight.failed(this.#errorOf(inFlight, error));
    this.#options.stats.rebuilds++;
    this.close(new GuildhallError("UNAVAILABLE", "the topic is being put back to what is stored"));
    this.#options.broken(floor);
  }

  /** What an asker may be told: only of what is certainly not stored that it was not done. */
  #errorOf(inFlight: InFlight, error: GuildhallError): GuildhallError {
    return mayBeStored(inFlight) ? this.#outcomeUnknown() : error;
  }

  #outcomeUnknown(): GuildhallError {
    this.#options.stats.outcomesUnknown++;
    return new GuildhallError("OUTCOME_UNKNOWN", "it is not known whether this was journaled");
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.timers.after(ms, resolve);
    });
  }
}

function isRefusedFlight({ outcome, unknown }: InFlight): boolean {
  return !unknown && outcome?.is === "failed" && isRefusedByJournal(outcome.error);
}

/** Unanswered, or some sending of it may have been executed. After a refusal by fence none ever will be. */
function mayBeStored({ outcome, unknown }: InFlight): boolean {
  return outcome === undefined || outcome.is === "stored" || (unknown && outcome.is !== "fenced");
}

function stalledError(): GuildhallError {
  return new GuildhallError("UNAVAILABLE", "records of unknown outcome are being settled", { retryAfterMs: 1_000 });
}
