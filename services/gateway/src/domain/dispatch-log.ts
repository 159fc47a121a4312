import type { Body } from "./body.ts";
import { Deque } from "./deque.ts";
import type { Dispatch } from "./event.ts";

/** Whose list a record is in: a topic, or one session. */
export interface RecordOwner {
  readonly records: Deque<LogRecord>;
  /** The highest seq of a record of this owner that is no longer held. */
  droppedSeq: number;
}

/** One dispatch, as it happened. */
export interface LogRecord {
  /** Place in the log of the process; rises by record. */
  readonly index: number;
  /** Where its event began: the changes of views that it made have this index. */
  readonly eventIndex: number;
  /** Of the topic; 0 for records of one session. */
  readonly seq: number;
  readonly dispatch: Dispatch;
  readonly isEphemeral: boolean;
}

/** In a checkpoint: no session with a link had this slot. */
export const noCounter = 2 ** 32 - 1;

/** Each session's counter, by the session's slot, when the log was at `index`. */
export interface Checkpoint {
  readonly index: number;
  readonly atMs: number;
  readonly counters: Uint32Array;
}

/** How long and how much the log holds; what is older or beyond is forgotten, the oldest first. */
export interface LogLimits {
  readonly windowMs: number;
  readonly maxBytes: number;
}

interface Entry {
  readonly owner: RecordOwner;
  readonly record: LogRecord;
  readonly atMs: number;
}

// What a record costs besides its bytes, and what its first body adds.
const recordOverheadBytes = 144;
const bodyOverheadBytes = 112;

/** What this process dispatched, in order: records per topic and per session, numbered over all of them. */
export class DispatchLog {
  readonly #limits: LogLimits;
  readonly #entries = new Deque<Entry>();
  readonly #checkpoints = new Deque<Checkpoint>();
  #index = 0;
  #floor = 0;
  #bytes = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  /** The last index given out. */
  get index(): number {
    return this.#index;
  }

  /** Records up to this index may be missing. */
  get floor(): number {
    return this.#floor;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Goes on from a later index: what lies between is not kept here. False when the log is beyond it already. */
  jumpTo(index: number): boolean {
    if (index < this.#index) return false;
    this.#index = index;
    return true;
  }

  /** Begins an event: an index for the changes it makes. */
  beginEvent(): number {
    return ++this.#index;
  }

  /** Adds a record to the log and to its owner's list. */
  append(owner: RecordOwner, record: Omit<LogRecord, "index">, nowMs: number): LogRecord {
    const { eventIndex, seq, dispatch, isEphemeral } = record;
    const added: LogRecord = { index: ++this.#index, eventIndex, seq, dispatch, isEphemeral };
    owner.records.push(added);
    this.#entries.push({ owner, record: added, atMs: nowMs });
    this.#bytes += hold(dispatch);
    while (this.#bytes > this.#limits.maxBytes) this.#dropOldest();
    return added;
  }

  /** Forgets what is older than the window. */
  expire(nowMs: number): void {
    const oldestMs = nowMs - this.#limits.windowMs;
    for (let entry = this.#entries.at(0); entry && entry.atMs < oldestMs; entry = this.#entries.at(0)) {
      this.#dropOldest();
    }
    // The newest checkpoint that is older than the window is still a base for what came after it.
    for (let next = this.#checkpoints.at(1); next; next = this.#checkpoints.at(1)) {
      if (next.atMs >= oldestMs && (this.#checkpoints.at(0)?.index ?? 0) >= this.#floor) break;
      this.#checkpoints.shift();
    }
  }

  /** Keeps the counters of now. */
  addCheckpoint(counters: Uint32Array, nowMs: number): void {
    this.#checkpoints.push({ index: this.#index, atMs: nowMs, counters });
  }

  /** The newest checkpoint after `afterIndex` at which the counter of `slot` was at most `seq`. */
  checkpointFor(slot: number, seq: number, afterIndex: number): { index: number; counter: number } | undefined {
    for (let place = this.#checkpoints.length - 1; place >= 0; place--) {
      const { index, counters } = this.#checkpoints.at(place) as Checkpoint;
      if (index <= afterIndex) return undefined;
      const counter = counters[slot];
      if (counter !== undefined && counter !== noCounter && counter <= seq) return { index, counter };
    }
    return undefined;
  }

  /** The last two checkpoints after `afterIndex` that have a counter of `slot`, the newest first. */
  lastCheckpoints(slot: number, afterIndex: number): { readonly index: number; readonly counter: number }[] {
    const found: { index: number; counter: number }[] = [];
    for (let place = this.#checkpoints.length - 1; place >= 0 && found.length < 2; place--) {
      const { index, counters } = this.#checkpoints.at(place) as Checkpoint;
      if (index <= afterIndex) break;
      const counter = counters[slot];
      if (counter !== undefined && counter !== noCounter) found.push({ index, counter });
    }
    return found;
  }

  #dropOldest(): void {
    const entry = this.#entries.shift();
    if (entry === undefined) return;
    // Both lists are in order of index, so the owner's oldest is this one.
    entry.owner.records.shift();
    if (entry.record.seq > entry.owner.droppedSeq) entry.owner.droppedSeq = entry.record.seq;
    this.#floor = entry.record.index;
    this.#bytes -= release(entry.record.dispatch);
  }
}

/** The bytes that a record adds: its own, and those of bodies that no record had before. */
function hold(dispatch: Dispatch): number {
  let bytes = recordOverheadBytes;
  for (const body of bodiesOf(dispatch))
    if (body !== undefined && body.holds++ === 0) bytes += body.length + bodyOverheadBytes;
  return bytes;
}

/** The bytes that go with a record. */
function release(dispatch: Dispatch): number {
  let bytes = recordOverheadBytes;
  for (const body of bodiesOf(dispatch))
    if (body !== undefined && --body.holds === 0) bytes += body.length + bodyOverheadBytes;
  return bytes;
}

function bodiesOf({ body, gatedBody, halfGatedBody }: Dispatch): (Body | undefined)[] {
  return [body, gatedBody, halfGatedBody];
}
