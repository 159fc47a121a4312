import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { Applied, EpochRecord, MembershipRow, Position, Row, SlotRange } from "@guildhall/proto";
import { ascending, higher, lower } from "../model/bigint-order.ts";
import type { Clock, HostPorts, JournalRecord, Timers } from "../ports.ts";
import type { HostStats } from "./host-stats.ts";

/*
 * States of a shard's applier:
 *
 *   replaying ──the journal's end is reached──▶ following ──stop()──▶ stopped
 *       │                                          └──fenced──▶ stopped (the shard is lost)
 *       └──stop(), fenced──▶ stopped
 *
 * Replaying reads what an earlier owner left from the watermark on; following takes what this host has stored. Either way
 * one batch at a time, retried until it is done: first memberships, then rows and watermark together.
 */

/** Brings a shard's stored records to the store, in the journal's order. */
export interface Applier {
  /** Records that wait in memory. */
  readonly backlog: number;
  readonly backlogBytes: number;
  /** Every record of the shard up to here is in the store. */
  readonly watermark: bigint;
  readonly replaying: boolean;
  /** A record of this host that has been stored. */
  add(record: JournalRecord, position: bigint): void;
  /** A record that was found in the journal when its topic was opened; taken unless it will come anyway. */
  offer(record: JournalRecord, position: bigint): void;
  /** Moves the watermark when there is nothing else to do. */
  idle(): void;
  stop(): void;
  /** Stops, and says what is left to be done, what is under way included: doing it twice does no harm. */
  handOver(): Unapplied;
}

/** What of a shard is not known to be in the store. */
export interface Unapplied {
  /** Everything up to here is. */
  readonly watermark: bigint;
  /** Whether the journal has to be read from the watermark on; else all that is missing is in `records`. */
  readonly replaying: boolean;
  /** In order of position. */
  readonly records: readonly StoredRecord[];
}

/** A record and where the journal has it. */
export interface StoredRecord {
  readonly record: JournalRecord;
  readonly position: bigint;
}

/** What an applier works with. */
export interface ApplierOptions {
  readonly range: SlotRange;
  /** By which this host owns the range now. */
  readonly epoch: () => number;
  readonly unapplied: Unapplied;
  /** Whether an EPOCH is one of this process: a newer one than its asker has heard the answer to. */
  readonly isOwn: (owner: EpochRecord | undefined) => boolean;
  readonly ports: Pick<HostPorts, "journal" | "store" | "memberships" | "reporter"> & {
    readonly clock: Clock;
    readonly timers: Timers;
  };
  readonly stats: HostStats;
  /** How long the first record of a batch waits for others: apart from those who wait for it, and with fewer commits. */
  readonly gatherMs: number;
  /** No record of the shard that is not known to be stored can lie at or below this position; undefined: none is under way. */
  readonly floor: () => bigint | undefined;
  /** The highest position of any record that this host knows of. */
  readonly highest: () => bigint;
  readonly applied: (topic: bigint, seq: bigint) => void;
  readonly lost: (owner: EpochRecord | undefined) => void;
}

const maxBatchRecords = 512;
const maxBatchBytes = 2 * 1_048_576;
const replayChunk = 512;
const firstPauseMs = 100;
const maxPauseMs = 2_000;
const idleEveryMs = 1_000;

/** Makes the applier of a shard; it begins at once. */
export function makeApplier(options: ApplierOptions): Applier {
  const applier = new ShardApplier(options);
  void (options.unapplied.replaying ? applier.run() : applier.follow());
  return applier;
}

class ShardApplier implements Applier {
  watermark: bigint;
  replaying = true;
  backlogBytes = 0;
  readonly #options: ApplierOptions;
  /** In order of position. */
  #queue: StoredRecord[] = [];
  /** Taken from the queue: what comes late may belong before it. */
  #underWay: readonly StoredRecord[] = [];
  #stopped = false;
  #working = false;
  #movedMs = 0;
  #gathering: Disposable | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
    const { watermark, records } = options.unapplied;
    this.watermark = watermark;
    this.#queue = [...records];
    this.backlogBytes = records.reduce((sum, stored) => sum + sizeOf(stored), 0);
  }

  get backlog(): number {
    return this.#queue.length + this.#underWay.length;
  }

  add(record: JournalRecord, position: bigint): void {
    if (this.#stopped) return;
    this.#insert({ record, position });
    // Whoever joins waits for the guild to be shown, and looks for it in the list of their own.
    this.#gather(record.rows.some(({ of }) => of?.$case === "membership"));
  }

  offer(record: JournalRecord, position: bigint): void {
    const comes = this.replaying && position > this.watermark;
    const isIt = (stored: StoredRecord): boolean => stored.position === position;
    if (this.#stopped || comes || this.#queue.some(isIt) || this.#underWay.some(isIt)) return;
    this.#insert({ record, position });
    this.#gather();
  }

  idle(): void {
    const { highest, floor, ports } = this.#options;
    if (this.#stopped || this.replaying || this.#working || this.#queue.length > 0 || floor() !== undefined) return;
    if (highest() <= this.watermark || ports.clock.monotonicMs() - this.#movedMs < idleEveryMs) return;
    void this.#work();
  }

  stop(): void {
    this.#stopped = true;
    this.#endGathering();
    this.#queue = [];
    this.#underWay = [];
    this.backlogBytes = 0;
  }

  handOver(): Unapplied {
    const { watermark, replaying } = this;
    const records = [...this.#underWay, ...this.#queue].sort((a, b) => ascending(a.position, b.position));
    this.stop();
    return { watermark, replaying, records };
  }

  /** Goes on with what is known. */
  follow(): Promise<void> {
    this.replaying = false;
    return this.#work();
  }

  /** Replays, then follows. */
  async run(): Promise<void> {
    this.#working = true;
    for (let after = this.watermark; !this.#stopped; ) {
      const tail = await this.#patiently("reading the journal", () =>
        this.#options.ports.journal.readTail(this.#options.range, after, replayChunk),
      );
      if (tail === undefined) return;
      const found = tail.records.flatMap(({ record, position }) =>
        record === undefined ? [] : [{ record, position }],
      );
      // What this host stored meanwhile comes by both ways.
      after = higher(after, tail.readTo);
      if (!(await this.#apply(found, after))) return;
      this.#dropUpTo(after);
      if (tail.end) break;
    }
    this.#working = false;
    void this.follow();
  }

  /** Goes on with what waits, now or soon. */
  #gather(isAwaited = false): void {
    const { gatherMs, ports } = this.#options;
    if (this.#working || this.replaying || this.#stopped || this.#queue.length === 0) return;
    if (isAwaited || gatherMs === 0 || this.#queue.length >= maxBatchRecords) void this.#work();
    else this.#gathering ??= ports.timers.after(gatherMs, () => void this.#work());
  }

  #endGathering(): void {
    this.#gathering?.[Symbol.dispose]();
    this.#gathering = undefined;
  }

  #insert(stored: StoredRecord): void {
    let place = this.#queue.length;
    while (place > 0 && (this.#queue[place - 1] as StoredRecord).position > stored.position) place--;
    if (place === this.#queue.length) this.#queue.push(stored);
    else this.#queue.splice(place, 0, stored);
    this.backlogBytes += sizeOf(stored);
  }

  #dropUpTo(position: bigint): void {
    const kept = this.#queue.filter((stored) => stored.position > position);
    this.#queue = kept;
    this.backlogBytes = kept.reduce((sum, stored) => sum + sizeOf(stored), 0);
  }

  /** Applies one batch; what has come meanwhile is the next. */
  async #work(): Promise<void> {
    if (this.#working || this.replaying || this.#stopped) return;
    this.#working = true;
    this.#endGathering();
    const batch = this.#takeBatch();
    const [next] = this.#queue;
    const end = next === undefined ? this.#options.highest() : next.position - 1n;
    const done = await this.#apply(batch, end);
    this.#working = false;
    if (!done) return;
    this.#underWay = [];
    for (const stored of batch) this.backlogBytes -= sizeOf(stored);
    this.#gather();
  }

  #takeBatch(): readonly StoredRecord[] {
    let count = 0;
    let bytes = 0;
    for (const stored of this.#queue) {
      bytes += sizeOf(stored);
      if (count >= maxBatchRecords || (count > 0 && bytes > maxBatchBytes)) break;
      count++;
    }
    this.#underWay = this.#queue.splice(0, count);
    return this.#underWay;
  }

  /** Brings records to the store; `end` is where the watermark may stand then, for all this shard has under way. */
  async #apply(batch: readonly StoredRecord[], end: bigint): Promise<boolean> {
    const { floor, applied, lost, ports } = this.#options;
    const under = floor();
    const watermark = higher(this.watermark, under === undefined ? end : lower(end, under));
    const { rows, memberships, positions } = rowsOf(batch);
    if (batch.length === 0 && watermark === this.watermark) return true;
    if (memberships.length > 0) {
      const done = await this.#patiently("applying memberships", async () => {
        await ports.memberships.apply(memberships);
        return true;
      });
      if (done === undefined) return false;
    }
    const answer = await this.#patiently("applying rows", () => this.#store(rows, watermark, positions));
    if (answer === undefined) return false;
    if (answer.of?.$case === "fenced") {
      this.stop();
      lost(answer.of.value.owner);
      return false;
    }
    this.watermark = watermark;
    this.#movedMs = ports.clock.monotonicMs();
    for (const { topic, seq } of positions) applied(topic, seq);
    return true;
  }

  async #store(rows: Row[], watermark: bigint, applied: Position[]): Promise<Applied> {
    const { range, epoch, ports, isOwn } = this.#options;
    const answer = await ports.store.apply({ range, epoch: epoch(), rows, watermark, applied });
    if (answer.of?.$case !== "fenced" || !isOwn(answer.of.value.owner)) return answer;
    throw new GuildhallError("FENCED", "this process has a higher epoch by now");
  }

  /** Tries until it works; undefined when stopped meanwhile. */
  async #patiently<T>(what: string, attempt: () => Promise<T>): Promise<T | undefined> {
    const { ports, stats } = this.#options;
    for (let pauseMs = firstPauseMs; !this.#stopped; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
      try {
        const value = await attempt();
        return this.#stopped ? undefined : value;
      } catch (error) {
        // In a split the store knows the halves' EPOCHs a moment before this is stopped for them.
        if (!isFenced(error) || pauseMs > firstPauseMs) {
          stats.applyFailures++;
          ports.reporter.warn(`${what} failed, will be tried again`, { range: this.#options.range, error });
        }
        await new Promise<void>((resolve) => {
          ports.timers.after(pauseMs, resolve);
        });
      }
    }
    return undefined;
  }
}

function isFenced(error: unknown): boolean {
  return isGuildhallError(error) && error.code === "FENCED";
}

function sizeOf({ record }: StoredRecord): number {
  return record.event.length + record.result.length;
}

/** The rows of a batch: of several for one state row only the last, as the store would keep it. */
function rowsOf(batch: readonly StoredRecord[]): { rows: Row[]; memberships: MembershipRow[]; positions: Position[] } {
  const rows: Row[] = [];
  const states = new Map<string, Row>();
  const memberships: MembershipRow[] = [];
  const last = new Map<bigint, Position>();
  for (const { record } of batch) {
    const { topic, epoch, seq } = record;
    last.set(topic, { topic, epoch, seq });
    for (const row of record.rows) {
      if (row.of?.$case === "membership") memberships.push(row.of.value);
      else if (row.of?.$case === "state") states.set(`${topic}/${row.of.value.kind}/${row.of.value.key}`, row);
      else rows.push(row);
    }
  }
  return { rows: [...states.values(), ...rows], memberships, positions: [...last.values()] };
}
