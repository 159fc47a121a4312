import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { AppendAnswer } from "@guildhall/proto";
import { slotOf } from "@guildhall/slots";
import { lower } from "../model/bigint-order.ts";
import type { JournalRecord } from "../ports.ts";
import type { LogContent, LogEntry, PartitionLog } from "./partition-log.ts";
import { type Held, makePartitionView, type PartitionView } from "./partition-view.ts";

/*
 * States of a writer at one partition:
 *
 *   clear ──a batch is sent──▶ producing ──written at the known end──▶ clear
 *     ▲                            │ └──written beyond it──▶ confirming ──read up to it──▶ clear
 *     │                            │                             └──not read──▶ doubtful
 *     │                            └──may be written──▶ doubtful
 *     └──read to the end──  rereading ◀──the next batch──  doubtful
 *                               └──not read: the batch is refused──▶ doubtful
 *
 * One batch at a time. A batch of unknown outcome may land at any time, until a later one of this writer is in the log:
 * with its lower stamp it would count no more. So whatever is sent after it, most of all the same records again, settles it.
 */

/** Protections of a journal that cannot refuse, all on but in the tests that show what each is for. */
export interface ConfirmGuards {
  /** A record is answered once everything before it has been read. */
  readonly confirm: boolean;
}

/** What a lane works with. */
export interface LaneOptions {
  readonly log: PartitionLog;
  readonly partition: number;
  readonly writer: string;
  readonly guards: ConfirmGuards;
  /** The next stamp of this writer: above all it has made, and all it has seen. */
  readonly nextStamp: () => bigint;
  readonly saw: (stamp: bigint) => void;
}

/** One partition, as one writer writes and reads it. */
export interface PartitionLane {
  readonly view: PartitionView;
  readonly state: "clear" | "producing" | "confirming" | "doubtful" | "rereading";
  /** The lowest stamp of a record of this writer that may yet come to count; undefined when there is none. */
  readonly unsettledFrom: bigint | undefined;
  /** Answers for each record, in order. Rejects with JOURNAL_UNAVAILABLE or QUEUE_FULL when nothing of it was sent. */
  append(records: readonly JournalRecord[]): Promise<readonly AppendAnswer[]>;
  /** Writes an EPOCH or a copy; resolves when it has been read. */
  put(content: LogContent): Promise<void>;
  /** Sees everything that was in the log when it was called. */
  catchUp(): Promise<void>;
  /** The records of entries that count. */
  load(held: readonly Held[]): Promise<{ readonly position: bigint; readonly record: JournalRecord }[]>;
}

/** What may have been written. */
interface Sent {
  /** Its last stamp. */
  readonly to: bigint;
  /** By slot: by which EPOCH its first record there was written, and its stamp. */
  readonly firsts: ReadonlyMap<number, { readonly epoch: number; readonly stamp: bigint }>;
}

interface Job {
  readonly records: readonly JournalRecord[];
  readonly content: LogContent | undefined;
  /** Calls with what the view says then, or what was said before it was sent. */
  resolve(answers: readonly AppendAnswer[]): void;
  reject(error: unknown): void;
}

const maxBatchEntries = 512;
const maxWaitingEntries = 8_192;
const readChunk = 512;

/** Makes the lane of a partition. */
export function makePartitionLane(options: LaneOptions): PartitionLane {
  return new Lane(options);
}

class Lane implements PartitionLane {
  readonly view = makePartitionView();
  state: PartitionLane["state"] = "clear";
  readonly #options: LaneOptions;
  #jobs: Job[] = [];
  #waiting = 0;
  #working = false;
  /** Of unknown outcome, until something later of this writer has been seen. */
  #unknown: Sent | undefined;
  #underWay: Sent | undefined;
  #reading: Promise<void> | undefined;
  #readingNext: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get unsettledFrom(): bigint | undefined {
    const { writer } = this.#options;
    let least: bigint | undefined;
    for (const sent of [this.#doubted(), this.#underWay]) {
      for (const [slot, { epoch, stamp }] of sent?.firsts ?? []) {
        const owner = this.view.ownerOf(slot);
        // Under another EPOCH it counts no more, whenever it lands.
        if (owner?.epoch !== epoch || owner.incarnation !== writer) continue;
        least = least === undefined ? stamp : lower(least, stamp);
      }
    }
    return least;
  }

  append(records: readonly JournalRecord[]): Promise<readonly AppendAnswer[]> {
    return this.#enqueue(records, undefined);
  }

  async put(content: LogContent): Promise<void> {
    await this.#enqueue([], content);
  }

  catchUp(): Promise<void> {
    if (this.#reading === undefined) return this.#startReading();
    // The one under way may have asked before this call.
    this.#readingNext ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#readingNext = undefined;
        return this.#startReading();
      });
    return this.#readingNext;
  }

  async load(held: readonly Held[]) {
    const { log, partition } = this.#options;
    const loaded: { position: bigint; record: JournalRecord }[] = [];
    while (loaded.length < held.length) {
      const from = (held[loaded.length] as Held).offset;
      const { entries } = await log.read(partition, from, readChunk);
      const before = loaded.length;
      for (let next = held[before]; next !== undefined; next = held[loaded.length]) {
        const entry = entries[Number(next.offset - from)];
        if (entry?.is !== "record") break;
        loaded.push({ position: next.position, record: entry.record });
      }
      if (loaded.length === before) throw new GuildhallError("JOURNAL_GAP", "the log lacks an entry that was there");
    }
    return loaded;
  }

  #enqueue(records: readonly JournalRecord[], content: LogContent | undefined): Promise<readonly AppendAnswer[]> {
    const size = content === undefined ? records.length : 1;
    if (this.#waiting + size > maxWaitingEntries) {
      return Promise.reject(new GuildhallError("QUEUE_FULL", "too much waits for the journal"));
    }
    this.#waiting += size;
    const { promise, resolve, reject } = Promise.withResolvers<readonly AppendAnswer[]>();
    this.#jobs.push({ records, content, resolve, reject });
    void this.#work();
    return promise;
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    while (this.#jobs.length > 0) {
      const jobs = this.#takeJobs();
      if (await this.#isReadAgain(jobs)) await this.#send(jobs);
    }
    this.#working = false;
  }

  /** What fits one batch; an EPOCH goes alone. */
  #takeJobs(): readonly Job[] {
    let count = 0;
    let entries = 0;
    for (const { records, content } of this.#jobs) {
      entries += records.length;
      if (count > 0 && (content !== undefined || entries > maxBatchEntries)) break;
      count++;
      if (content !== undefined) break;
    }
    const jobs = this.#jobs.splice(0, count);
    for (const { records, content } of jobs) this.#waiting -= content === undefined ? records.length : 1;
    return jobs;
  }

  /** After a doubt: what has landed meanwhile needs no second sending. */
  async #isReadAgain(jobs: readonly Job[]): Promise<boolean> {
    if (this.state !== "doubtful") return true;
    this.state = "rereading";
    try {
      await this.catchUp();
      this.state = "clear";
      return true;
    } catch (cause) {
      this.state = "doubtful";
      rejectAll(jobs, new GuildhallError("JOURNAL_UNAVAILABLE", "the log cannot be read", { cause }));
      return false;
    }
  }

  async #send(jobs: readonly Job[]): Promise<void> {
    const { log, partition, writer, nextStamp } = this.#options;
    const { contents, early } = this.#prepare(jobs);
    if (contents.length === 0) return this.#answer(jobs, early);
    const entries = contents.map((content): LogEntry => ({ ...content, writer, stamp: nextStamp() }));
    this.#underWay = sentOf(entries);
    this.state = "producing";
    try {
      const isSeen = await this.#confirm(await log.produce(partition, entries), entries);
      if (!isSeen) believe(entries, early);
      this.state = "clear";
      this.#answer(jobs, early);
    } catch (error) {
      this.#fail(jobs, error);
    } finally {
      this.#underWay = undefined;
    }
  }

  /** What is to be sent, and what can be said of records that are not. */
  #prepare(jobs: readonly Job[]): { contents: LogContent[]; early: Map<JournalRecord, AppendAnswer> } {
    const contents: LogContent[] = [];
    const early = new Map<JournalRecord, AppendAnswer>();
    const sent = new Map<bigint, bigint>();
    for (const { records, content } of jobs) {
      if (content !== undefined) contents.push(content);
      for (const record of records) {
        const { topic, seq } = record;
        const of = this.view.judge(record, this.#options.writer);
        const last = sent.get(topic);
        const isNext = of?.$case === "gap" && last !== undefined && seq <= last + 1n && seq > of.value.last;
        if (of !== undefined && !isNext) early.set(record, { of });
        else {
          contents.push({ is: "record", record });
          if (last === undefined || seq > last) sent.set(topic, seq);
        }
      }
    }
    return { contents, early };
  }

  /** Sees everything up to and with these entries. */
  async #confirm(base: bigint, entries: readonly LogEntry[]): Promise<boolean> {
    const end = base + BigInt(entries.length);
    if (base <= this.view.end) this.#see(base, entries);
    else if (!this.#options.guards.confirm) return false;
    this.state = "confirming";
    while (this.view.end < end) await this.catchUp();
    return true;
  }

  #fail(jobs: readonly Job[], error: unknown): void {
    const isCertain = this.state === "producing" && isGuildhallError(error) && error.code === "JOURNAL_UNAVAILABLE";
    if (isCertain) this.state = "clear";
    else {
      this.#doubt();
      this.state = "doubtful";
    }
    const unknown = () => new GuildhallError("OUTCOME_UNKNOWN", "it is not known what was written", { cause: error });
    rejectAll(jobs, isCertain ? error : unknown());
  }

  #doubted(): Sent | undefined {
    const { writer } = this.#options;
    return this.#unknown !== undefined && this.view.stampOf(writer) < this.#unknown.to ? this.#unknown : undefined;
  }

  #doubt(): void {
    if (this.#underWay === undefined) return;
    const firsts = new Map(this.#underWay.firsts);
    // Of one slot the earlier, but for what an earlier EPOCH was good for.
    for (const [slot, before] of this.#doubted()?.firsts ?? []) {
      if ((firsts.get(slot)?.epoch ?? 0) <= before.epoch) firsts.set(slot, before);
    }
    this.#unknown = { to: this.#underWay.to, firsts };
  }

  #answer(jobs: readonly Job[], early: ReadonlyMap<JournalRecord, AppendAnswer>): void {
    for (const { records, resolve } of jobs) resolve(records.map((record) => early.get(record) ?? this.#seen(record)));
  }

  #seen(record: JournalRecord): AppendAnswer {
    const of = this.view.judge(record, this.#options.writer);
    if (of !== undefined) return { of };
    return { of: { $case: "gap", value: { last: record.seq - 1n } } };
  }

  #startReading(): Promise<void> {
    this.#reading = this.#readToEnd().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readToEnd(): Promise<void> {
    const { log, partition } = this.#options;
    let to: bigint | undefined;
    do {
      const from = this.view.end;
      const { entries, end } = await log.read(partition, from, readChunk);
      to ??= end;
      this.#see(from, entries);
      if (this.view.end === from && from < to) throw new GuildhallError("JOURNAL_GAP", "the log lacks entries");
    } while (this.view.end < to);
  }

  /** Entries from an offset on, of which some may have been seen another way meanwhile. */
  #see(from: bigint, entries: readonly LogEntry[]): void {
    for (const entry of entries.slice(Number(this.view.end - from))) {
      this.view.see(entry);
      this.#options.saw(entry.stamp);
    }
  }
}

function sentOf(entries: readonly LogEntry[]): Sent {
  const firsts = new Map<number, { epoch: number; stamp: bigint }>();
  for (const entry of entries) {
    if (entry.is !== "record") continue;
    const { topic, epoch } = entry.record;
    const known = firsts.get(slotOf(topic));
    if (known === undefined || known.epoch < epoch) firsts.set(slotOf(topic), { epoch, stamp: entry.stamp });
  }
  return { to: entries.at(-1)?.stamp ?? 0n, firsts };
}

/** Takes what was written for what counts. */
function believe(entries: readonly LogEntry[], answers: Map<JournalRecord, AppendAnswer>): void {
  for (const entry of entries) {
    if (entry.is !== "record") continue;
    answers.set(entry.record, { of: { $case: "stored", value: { position: entry.stamp } } });
  }
}

function rejectAll(jobs: readonly Job[], error: unknown): void {
  for (const { reject } of jobs) reject(error);
}
