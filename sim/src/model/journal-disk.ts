import { hash } from "node:crypto";
import type { JournalRecord, RetryRow, TopicHead } from "@guildhall/data/answer";
import { type AppendAnswer, type DataGuards, type HeldRecord, judgeAppend, makeFences } from "@guildhall/data/domain";
import {
  type EpochAsk,
  type EpochDecision,
  type EpochRow,
  formatRange,
  rangeContains,
  rangesOverlap,
  type ShardRange,
  slotOf,
} from "@guildhall/slots";

/** A record that is durable, and when that came to be. */
export interface DiskRecord extends JournalRecord {
  readonly position: bigint;
  readonly slot: number;
  readonly hash: Uint8Array;
  readonly atMs: number;
}

/** An EPOCH that was taken, after which record, and when. */
export interface DiskEpoch extends EpochRow {
  readonly after: bigint;
  readonly atMs: number;
}

/** One operation of a commit. */
export type JournalOp =
  | { readonly kind: "append"; readonly records: readonly JournalRecord[] }
  | { readonly kind: "take"; readonly ask: EpochAsk };

/** Its answer. */
export type JournalAnswer =
  | { readonly kind: "append"; readonly answers: readonly AppendAnswer[] }
  | { readonly kind: "take"; readonly decision: EpochDecision };

/** The file of a refusing journal: what survives its process. Decides by the very rules of the real engine. */
export class JournalDisk {
  /** In order of position, which counts from 1; a trimmed one is undefined. */
  readonly records: (DiskRecord | undefined)[] = [];
  /** Every EPOCH ever taken, in order. */
  readonly epochs: DiskEpoch[] = [];
  readonly topics = new Map<bigint, DiskRecord[]>();
  /** How many records are there no more. */
  trimmed = 0;
  readonly #guards: DataGuards;
  readonly #nowMs: () => number;
  readonly #rows = new Map<string, EpochRow>();
  #fences = makeFences([]);
  /** Called with each record in the moment in which it is durable. */
  onRecord: (record: DiskRecord) => void = () => {};
  onEpoch: (epoch: DiskEpoch) => void = () => {};

  constructor(nowMs: () => number, guards: DataGuards) {
    this.#nowMs = nowMs;
    this.#guards = guards;
  }

  get end(): bigint {
    return BigInt(this.records.length);
  }

  /** A process has opened it: what an engine keeps in memory is read again. */
  reopen(): void {
    this.#fences = makeFences([...this.#rows.values()]);
  }

  /** Does all of a group, durably. */
  commit(group: readonly JournalOp[]): JournalAnswer[] {
    return group.map((op) =>
      op.kind === "append"
        ? { kind: "append", answers: op.records.map((record) => this.#append(record)) }
        : { kind: "take", decision: this.#take(op.ask) },
    );
  }

  ownerOf(slot: number): EpochRow | undefined {
    return this.#fences.ownerOf(slot);
  }

  readEpochs(range: ShardRange): EpochRow[] {
    return [...this.#rows.values()]
      .filter((row) => rangesOverlap(row.range, range))
      .sort((a, b) => a.epoch - b.epoch || a.range.n - b.range.n || a.range.i - b.range.i);
  }

  readTail(range: ShardRange, after: bigint, limit: number) {
    const records: DiskRecord[] = [];
    for (let place = Number(after); place < this.records.length; place++) {
      const record = this.records[place];
      if (record === undefined || !rangeContains(range, record.slot)) continue;
      if (records.length === limit) return { records, readTo: (records.at(-1) as DiskRecord).position, end: false };
      records.push(record);
    }
    return { records, readTo: after > this.end ? after : this.end, end: true };
  }

  readTopic(topic: bigint, fromSeq: bigint, limit: number) {
    const all = this.topics.get(topic) ?? [];
    const held = all.filter((record) => this.records[Number(record.position) - 1] !== undefined);
    const floor = held[0]?.seq ?? BigInt(all.length) + 1n;
    return { records: held.filter(({ seq }) => seq >= fromSeq).slice(0, limit), floor };
  }

  readRetries(range: ShardRange, sinceTs: bigint): RetryRow[] {
    return this.records.flatMap((record) => {
      if (record === undefined || record.ts < sinceTs || !rangeContains(range, record.slot)) return [];
      const { topic, requestId, nonceKey, ts, bytes } = record;
      return requestId === 0n && nonceKey === "" ? [] : [{ topic, requestId, nonceKey, ts, bytes }];
    });
  }

  newestTs(range: ShardRange): bigint {
    let newest = 0n;
    for (const [topic, records] of this.topics) {
      const ts = records.at(-1)?.ts ?? 0n;
      if (ts > newest && rangeContains(range, slotOf(topic))) newest = ts;
    }
    return newest;
  }

  head(topic: bigint): TopicHead | undefined {
    const last = this.topics.get(topic)?.at(-1);
    if (last === undefined) return undefined;
    const { epoch, seq, lastId, ts } = last;
    return { topic, epoch, seq, lastId, lastTs: ts };
  }

  trim(first: bigint, last: bigint): number {
    let trimmed = 0;
    for (let position = first; position <= last; position++) {
      const place = Number(position) - 1;
      if (this.records[place] === undefined) continue;
      this.records[place] = undefined;
      trimmed++;
    }
    this.trimmed += trimmed;
    return trimmed;
  }

  #append(record: JournalRecord): AppendAnswer {
    const { topic, epoch, seq } = record;
    const slot = slotOf(topic);
    const digest = hash("sha1", record.bytes, "buffer");
    const held = this.topics.get(topic) ?? [];
    const context = {
      head: held.at(-1),
      owner: this.#fences.ownerOf(slot),
      find: (at: bigint): HeldRecord | undefined => held[Number(at) - 1],
    };
    const answer = judgeAppend({ epoch, seq, hash: digest }, context, this.#guards);
    if (answer !== undefined) return answer;
    const stored: DiskRecord = { ...record, position: this.end + 1n, slot, hash: digest, atMs: this.#nowMs() };
    this.records.push(stored);
    if (held.length === 0) this.topics.set(topic, held);
    held.push(stored);
    this.onRecord(stored);
    return { kind: "stored", position: stored.position };
  }

  #take(ask: EpochAsk): EpochDecision {
    const before = this.#rows.get(formatRange(ask.range));
    const decision = this.#fences.take(ask);
    if (decision.taken && (before === undefined || before.epoch < ask.epoch)) {
      const { range, split, epoch, host, incarnation, moveId } = ask;
      const row: DiskEpoch = {
        ...{ range, split, epoch, host, incarnation, moveId },
        after: this.end,
        atMs: this.#nowMs(),
      };
      this.#rows.set(formatRange(range), row);
      this.epochs.push(row);
      this.onEpoch(row);
    }
    return decision;
  }
}
