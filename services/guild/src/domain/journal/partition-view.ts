import type { AppendAnswer, Head } from "@guildhall/proto";
import {
  decideEpoch,
  type EpochRow,
  formatRange,
  rangeContains,
  rangesOfSlot,
  rangesOverlap,
  type ShardRange,
  slotOf,
} from "@guildhall/slots";
import { higher } from "../model/bigint-order.ts";
import type { JournalRecord } from "../ports.ts";
import type { LogEntry } from "./partition-log.ts";
import { printOf } from "./record-print.ts";

/** A record that counts. Its position is the stamp of the entry that brought it first. */
export interface Held {
  readonly topic: bigint;
  readonly epoch: number;
  readonly seq: bigint;
  readonly ts: bigint;
  readonly position: bigint;
  readonly offset: bigint;
  readonly print: number;
  /** Whether it has a request id or an enforced nonce. */
  readonly isRetryable: boolean;
}

/**
 * What the entries of one partition say, from its first one on. Everybody who reads the same entries sees the same: which
 * records count is decided by nothing else. It grows with the log: two numbers and a few words a record.
 */
export interface PartitionView {
  /** The offset of the first entry not yet seen. */
  readonly end: bigint;
  /** The highest stamp seen, of any writer. */
  readonly lastStamp: bigint;
  /** The records that count, in order of offset. */
  readonly held: readonly Held[];
  /** The next entry. */
  see(entry: LogEntry): void;
  /** The owner of a slot of this partition. */
  ownerOf(slot: number): EpochRow | undefined;
  /** The rows that concern a range, one a range. */
  rowsOf(range: ShardRange): readonly EpochRow[];
  /** The last stamp of a writer that counts here: nothing of it up to there is still to come. */
  stampOf(writer: string): bigint;
  headOf(topic: bigint): Head | undefined;
  /** Records of a topic that count, by seq. */
  heldOf(topic: bigint, fromSeq: bigint, limit: number): readonly Held[];
  /** What is known of a record: undefined when it would count if it came now. */
  judge(record: JournalRecord, writer: string): NonNullable<AppendAnswer["of"]> | undefined;
}

/** Makes the view of a partition of which nothing has been read. */
export function makePartitionView(): PartitionView {
  return new View();
}

class View implements PartitionView {
  end = 0n;
  lastStamp = 0n;
  readonly held: Held[] = [];
  readonly #rows = new Map<string, EpochRow>();
  readonly #topics = new Map<bigint, Held[]>();
  readonly #heads = new Map<bigint, Head>();
  readonly #stamps = new Map<string, bigint>();

  see(entry: LogEntry): void {
    const offset = this.end;
    this.end += 1n;
    this.lastStamp = higher(this.lastStamp, entry.stamp);
    // Whoever wrote it may have been told by then that it is not there.
    if (entry.stamp <= this.stampOf(entry.writer)) return;
    this.#stamps.set(entry.writer, entry.stamp);
    switch (entry.is) {
      case "record":
        if (this.judge(entry.record, entry.writer) === undefined) this.#hold(entry.record, entry.stamp, offset);
        return;
      case "epoch": {
        const { row, prev } = entry;
        if (decideEpoch(this.ownerOf(row.range.i), { ...row, prev }).taken) this.#put(row);
        return;
      }
      case "copy":
        this.#put(entry.row);
        return;
      default:
        entry satisfies never;
    }
  }

  ownerOf(slot: number): EpochRow | undefined {
    let owner: EpochRow | undefined;
    for (const range of rangesOfSlot(slot)) {
      const row = this.#rows.get(formatRange(range));
      if (row !== undefined && (owner === undefined || row.epoch > owner.epoch)) owner = row;
    }
    return owner;
  }

  rowsOf(range: ShardRange): readonly EpochRow[] {
    return [...this.#rows.values()].filter((row) => rangesOverlap(row.range, range));
  }

  stampOf(writer: string): bigint {
    return this.#stamps.get(writer) ?? 0n;
  }

  headOf(topic: bigint): Head | undefined {
    return this.#heads.get(topic);
  }

  heldOf(topic: bigint, fromSeq: bigint, limit: number): readonly Held[] {
    const from = fromSeq < 1n ? 0 : Number(fromSeq - 1n);
    return this.#topics.get(topic)?.slice(from, from + limit) ?? [];
  }

  judge(record: JournalRecord, writer: string): NonNullable<AppendAnswer["of"]> | undefined {
    const { topic, epoch, seq } = record;
    const [held] = this.heldOf(topic, seq, 1);
    if (held !== undefined && held.epoch === epoch && held.print === printOf(record)) {
      return { $case: "stored", value: { position: held.position } };
    }
    const owner = this.ownerOf(slotOf(topic));
    if (owner?.epoch !== epoch || owner.incarnation !== writer) return { $case: "fenced", value: { owner } };
    const last = this.#heads.get(topic)?.seq ?? 0n;
    return seq === last + 1n ? undefined : { $case: "gap", value: { last } };
  }

  #hold(record: JournalRecord, position: bigint, offset: bigint): void {
    const { topic, epoch, seq, ts, lastId, requestId, nonceKey } = record;
    const isRetryable = requestId !== 0n || nonceKey !== "";
    const held: Held = { topic, epoch, seq, ts, position, offset, print: printOf(record), isRetryable };
    const ofTopic = this.#topics.get(topic);
    if (ofTopic === undefined) this.#topics.set(topic, [held]);
    else ofTopic.push(held);
    this.#heads.set(topic, { topic, epoch, seq, lastId, lastTs: ts });
    this.held.push(held);
  }

  /** A copy may be written by several, and come long after: a lower epoch never replaces a higher. */
  #put(row: EpochRow): void {
    const key = formatRange(row.range);
    if ((this.#rows.get(key)?.epoch ?? 0) < row.epoch) this.#rows.set(key, row);
  }
}

/** Whether a record that counts belongs to a range. */
export function isIn(range: ShardRange, { topic }: Held): boolean {
  return rangeContains(range, slotOf(topic));
}
