import { GuildhallError } from "@guildhall/errors";
import {
  type AppendAnswer,
  type EpochRecord,
  type Head,
  Record as JournalEntry,
  type SlotRange,
} from "@guildhall/proto";
import { decideEpoch, rangeContains, rangesOverlap, slotOf } from "@guildhall/slots";
import type { Journal, JournalRecord } from "../src/domain/ports.ts";

/**
 * What goes wrong with an append: "before" refuses it, "after" loses the answer, "late" holds it, unanswered, until the
 * next one comes, "lost" loses it on its way.
 */
export type Trouble = "before" | "after" | "late" | "lost" | undefined;

interface Stored {
  readonly position: bigint;
  readonly bytes: Buffer;
  readonly record: JournalRecord;
}

/** A journal in memory that fences, finds gaps and knows resends. */
export class MemoryJournal implements Journal {
  /** Asked before each append. */
  trouble: () => Trouble = () => undefined;
  #late: JournalRecord[] = [];
  readonly #log: Stored[] = [];
  readonly #epochs: EpochRecord[] = [];
  readonly #heads = new Map<bigint, Head>();

  get records(): readonly JournalRecord[] {
    return this.#log.map(({ record }) => record);
  }

  /** Somebody else takes a range. */
  seize(record: EpochRecord): void {
    this.#epochs.push(record);
  }

  async append({ records }: { records: JournalRecord[] }) {
    await Promise.resolve();
    const trouble = this.trouble();
    if (trouble === "before") throw new GuildhallError("JOURNAL_UNAVAILABLE", "lost before");
    if (trouble === "late") this.#late.push(...records);
    if (trouble === "late" || trouble === "lost") throw new GuildhallError("STREAM_LOST", "lost");
    for (const record of this.#late.splice(0)) this.#appendOne(record);
    const answers = records.map((record) => this.#appendOne(record));
    if (trouble === "after") throw new GuildhallError("STREAM_LOST", "lost after");
    return { answers, commitMicros: 0 };
  }

  async takeEpoch(record: EpochRecord, prev: EpochRecord | undefined) {
    const last = this.#ownerOf((record.range as SlotRange).i);
    const plain = (each: EpochRecord) => ({ ...each, range: each.range as SlotRange });
    const { taken } = decideEpoch(last && plain(last), { ...plain(record), prev: prev && plain(prev) });
    if (taken && (last === undefined || last.epoch < record.epoch)) this.#epochs.push(record);
    return { taken, winner: taken ? undefined : last };
  }

  async readEpochs(range: SlotRange): Promise<EpochRecord[]> {
    return this.#epochs.filter((each) => rangesOverlap(each.range as SlotRange, range));
  }

  /** The highest epoch in force for any slot of a range. */
  highestIn(range: SlotRange): EpochRecord | undefined {
    return this.#epochs
      .filter((each) => rangesOverlap(each.range as SlotRange, range))
      .sort((a, b) => b.epoch - a.epoch)[0];
  }

  async readTail(range: SlotRange, after: bigint, limit: number) {
    const rest = this.#log.filter(
      ({ position, record }) => position > after && rangeContains(range, slotOf(record.topic)),
    );
    const records = rest.slice(0, limit);
    const end = rest.length <= limit;
    return { records, end, readTo: end ? BigInt(this.#log.length) : (records.at(-1)?.position ?? after) };
  }

  async readTopic(topic: bigint, fromSeq: bigint, limit: number) {
    const records = this.#log.filter(({ record }) => record.topic === topic && record.seq >= fromSeq).slice(0, limit);
    return { records, floor: 1n };
  }

  async *readRetries(range: SlotRange, sinceTs: bigint) {
    yield this.records.filter(({ ts, topic }) => ts >= sinceTs && rangeContains(range, slotOf(topic)));
  }

  async readHeads(topics: readonly bigint[]): Promise<Head[]> {
    return topics.flatMap((topic) => this.#heads.get(topic) ?? []);
  }

  #ownerOf(slot: number): EpochRecord | undefined {
    return this.#epochs
      .filter(({ range }) => rangeContains(range as SlotRange, slot))
      .sort((a, b) => b.epoch - a.epoch)[0];
  }

  #appendOne(record: JournalRecord): AppendAnswer {
    const { topic, epoch, seq, lastId, ts: lastTs } = record;
    const bytes = Buffer.from(JournalEntry.encode(record).finish());
    const held = this.#log.find((stored) => stored.record.topic === topic && stored.record.seq === seq);
    if (held?.bytes.equals(bytes)) return { of: { $case: "stored", value: { position: held.position } } };
    const owner = this.#ownerOf(slotOf(topic));
    if (owner?.epoch !== epoch) return { of: { $case: "fenced", value: { owner } } };
    const last = this.#heads.get(topic)?.seq ?? 0n;
    if (seq !== last + 1n) return { of: { $case: "gap", value: { last } } };
    const position = BigInt(this.#log.length + 1);
    this.#log.push({ position, bytes, record: JournalEntry.decode(bytes) });
    this.#heads.set(topic, { topic, epoch, seq, lastId, lastTs });
    return { of: { $case: "stored", value: { position } } };
  }
}
