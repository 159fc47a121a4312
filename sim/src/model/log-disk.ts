import type { LogEntry } from "@guildhall/guild/domain";
import { encodeMessage, Record as JournalEntry } from "@guildhall/proto";
import { decideEpoch, type EpochRow, formatRange, rangesOfSlot, slotOf } from "@guildhall/slots";
import type { DiskRecord } from "./journal-disk.ts";

/** An entry as it rests: of a record only its bytes. */
type RestingEntry = { readonly entry: LogEntry; readonly bytes: Buffer | undefined };

/** The partitions of a log that takes whatever it is sent: what survives its process. */
export class LogDisk {
  readonly truth: LogTruth;
  readonly #partitions: RestingEntry[][];

  constructor(partitions: number, nowMs: () => number) {
    this.#partitions = Array.from({ length: partitions }, () => []);
    this.truth = new LogTruth(partitions, nowMs);
  }

  get partitions(): number {
    return this.#partitions.length;
  }

  produce(partition: number, entries: readonly LogEntry[]): bigint {
    const rests = this.#partition(partition);
    const base = BigInt(rests.length);
    for (const entry of entries) {
      const bytes = entry.is === "record" ? encodeMessage(JournalEntry, entry.record) : undefined;
      rests.push({ entry, bytes });
      this.truth.see(partition, entry, bytes);
    }
    return base;
  }

  read(partition: number, from: bigint, limit: number): { entries: LogEntry[]; end: bigint } {
    const rests = this.#partition(partition);
    const entries = rests.slice(Number(from), Number(from) + limit).map(({ entry, bytes }): LogEntry => {
      return bytes === undefined ? entry : ({ ...entry, record: JournalEntry.decode(bytes) } as LogEntry);
    });
    return { entries, end: BigInt(rests.length) };
  }

  #partition(partition: number): RestingEntry[] {
    const rests = this.#partitions[partition];
    if (rests === undefined) throw new Error(`there is no partition ${partition}`);
    return rests;
  }
}

/**
 * What of a log counts, by the rules alone, read in order without regard for what any process believes: an entry of a
 * writer counts after its earlier ones only; an EPOCH by `decideEpoch` in its own partition; a record at the epoch, by the
 * writer, that own its slot there, when it is the topic's next.
 */
export class LogTruth {
  readonly topics = new Map<bigint, DiskRecord[]>();
  readonly #nowMs: () => number;
  readonly #rows: Map<string, EpochRow>[];
  readonly #stamps: Map<string, bigint>[];
  #counted = 0n;
  onRecord: (record: DiskRecord) => void = () => {};
  onEpoch: (row: EpochRow, partition: number, isCopy: boolean) => void = () => {};

  constructor(partitions: number, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#rows = Array.from({ length: partitions }, () => new Map<string, EpochRow>());
    this.#stamps = Array.from({ length: partitions }, () => new Map<string, bigint>());
  }

  get records(): number {
    return Number(this.#counted);
  }

  see(partition: number, entry: LogEntry, bytes: Buffer | undefined): void {
    const stamps = this.#stamps[partition] as Map<string, bigint>;
    if (entry.stamp <= (stamps.get(entry.writer) ?? 0n)) return;
    stamps.set(entry.writer, entry.stamp);
    if (entry.is === "record") this.#record(partition, entry, bytes as Buffer);
    else if (entry.is === "copy") this.#put(partition, entry.row, true);
    else if (decideEpoch(this.#ownerOf(partition, entry.row.range.i), { ...entry.row, prev: entry.prev }).taken) {
      this.#put(partition, entry.row, false);
    }
  }

  #record(partition: number, { writer, record }: LogEntry & { is: "record" }, bytes: Buffer): void {
    const { topic, epoch, seq, ts, lastId, requestId, nonceKey } = record;
    const slot = slotOf(topic);
    const owner = this.#ownerOf(partition, slot);
    const held = this.topics.get(topic) ?? [];
    if (owner?.epoch !== epoch || owner.incarnation !== writer || seq !== BigInt(held.length + 1)) return;
    this.#counted++;
    const counted: DiskRecord = {
      ...{ topic, epoch, seq, ts, lastId, requestId, nonceKey, bytes, slot },
      ...{ hash: bytes, position: this.#counted, atMs: this.#nowMs() },
    };
    if (held.length === 0) this.topics.set(topic, held);
    held.push(counted);
    this.onRecord(counted);
  }

  #put(partition: number, row: EpochRow, isCopy: boolean): void {
    const rows = this.#rows[partition] as Map<string, EpochRow>;
    const key = formatRange(row.range);
    if ((rows.get(key)?.epoch ?? 0) >= row.epoch) return;
    rows.set(key, row);
    this.onEpoch(row, partition, isCopy);
  }

  #ownerOf(partition: number, slot: number): EpochRow | undefined {
    let owner: EpochRow | undefined;
    for (const range of rangesOfSlot(slot)) {
      const row = this.#rows[partition]?.get(formatRange(range));
      if (row !== undefined && (owner === undefined || row.epoch > owner.epoch)) owner = row;
    }
    return owner;
  }
}
