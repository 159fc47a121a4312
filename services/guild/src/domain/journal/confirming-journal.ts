import { GuildhallError } from "@guildhall/errors";
import type { Append, AppendAnswer, Appended, EpochRecord, EpochTaken, Head, SlotRange } from "@guildhall/proto";
import { decideEpoch, type EpochAsk, type EpochRow, formatRange, sameEpoch, shardOf, slotOf } from "@guildhall/slots";
import { ascending, higher, lower } from "../model/bigint-order.ts";
import type { Journal, JournalRecord } from "../ports.ts";
import { type ConfirmGuards, makePartitionLane, type PartitionLane } from "./partition-lane.ts";
import type { PartitionLog } from "./partition-log.ts";
import { type Held, isIn } from "./partition-view.ts";

/*
 * A journal over a log that cannot refuse. Partition = slot mod P, so a split moves no record.
 *
 * Positions. A shard may lie in several partitions, and a host has shards in many, but a watermark is one number. So a
 * position is no offset but the stamp of the entry: each writer counts its own up, past every stamp that it reads. Whoever
 * owns a range has read its partitions up to its own EPOCH: whatever it writes there lies above all that was there before.
 * Above a watermark it lies, too, as long as none passes what was seen in its range's own partitions (bounded-store.ts).
 *
 * EPOCH. Decided in the partition of slot i, by the order of entries there, as every reader of them decides it. Then it is
 * copied to the other partitions of the range: a copy raises fences and decides nothing. The taker has it once all copies
 * are in and it has read up to each. Nobody names a prev whose copies are not all in: whoever finds one undone copies it
 * first, so that the half-done work of one that died is finished by the next.
 */

/** A journal over a log that takes whatever it is sent. */
export interface ConfirmingJournal extends Journal {
  /**
   * The position that a watermark of a range which this writer owns may have at most: everybody who owns it later writes
   * above. Undefined when another owns it, as far as has been read.
   */
  mostWatermark(range: SlotRange): bigint | undefined;
}

/** How a confirming journal is made. `writer` is the incarnation of the host: one journal an incarnation. */
export interface ConfirmingOptions {
  readonly writer: string;
}

const retryWindowUs = 300_000_000n;
const pageRecords = 512;

/** Makes the journal of one writer over a log that takes whatever it is sent. */
export function makeConfirmingJournal(
  log: PartitionLog,
  { writer }: ConfirmingOptions,
  guards: ConfirmGuards = { confirm: true },
): ConfirmingJournal {
  return new LogJournal(log, writer, guards);
}

class LogJournal implements ConfirmingJournal {
  readonly #writer: string;
  readonly #lanes: readonly PartitionLane[];
  /** The highest stamp made or seen. */
  #clock = 0n;

  constructor(log: PartitionLog, writer: string, guards: ConfirmGuards) {
    this.#writer = writer;
    const nextStamp = () => ++this.#clock;
    const saw = (stamp: bigint) => {
      this.#clock = higher(this.#clock, stamp);
    };
    this.#lanes = Array.from({ length: log.partitions }, (_, partition) =>
      makePartitionLane({ log, partition, writer, guards, nextStamp, saw }),
    );
  }

  async append({ records }: Append): Promise<Appended> {
    const byLane = new Map<PartitionLane, number[]>();
    records.forEach(({ topic }, index) => {
      const lane = this.#laneOf(slotOf(topic));
      const found = byLane.get(lane);
      if (found === undefined) byLane.set(lane, [index]);
      else found.push(index);
    });
    const answers: AppendAnswer[] = records.map(() => ({ of: undefined }));
    const sendings = [...byLane].map(async ([lane, indexes]) => {
      const given = await lane.append(indexes.map((index) => records[index] as JournalRecord));
      indexes.forEach((index, k) => {
        answers[index] = given[k] as AppendAnswer;
      });
    });
    const errors = (await Promise.allSettled(sendings)).flatMap((end) => (end.status === "rejected" ? end.reason : []));
    // Those that failed beside others that did not stay unanswered: their outcome counts as unknown.
    if (errors.length > 0 && errors.length === sendings.length) throw errors.find(isUnknown) ?? errors[0];
    return { answers, commitMicros: 0 };
  }

  async takeEpoch(record: EpochRecord, prev: EpochRecord | undefined): Promise<EpochTaken> {
    const row = toRow(record);
    const ask: EpochAsk = { ...row, prev: prev && toRow(prev) };
    const lane = this.#laneOf(row.range.i);
    const { view } = lane;
    await lane.catchUp();
    const last = view.ownerOf(row.range.i);
    if (last !== undefined) await this.#complete(last);
    if (last === undefined || !sameEpoch(last, ask)) {
      if (!decideEpoch(last, ask).taken) return { taken: false, winner: last && toRecord(last) };
      await lane.put({ is: "epoch", row, prev: ask.prev });
    }
    const winner = view.ownerOf(row.range.i);
    if (winner === undefined || !sameEpoch(winner, ask)) return { taken: false, winner: winner && toRecord(winner) };
    await this.#complete(winner);
    return { taken: true, winner: undefined };
  }

  async readEpochs(range: SlotRange): Promise<readonly EpochRecord[]> {
    const rows = new Map<string, EpochRow>();
    for (const { view } of await this.#caughtUp(range)) {
      for (const row of view.rowsOf(range)) {
        const key = formatRange(row.range);
        if ((rows.get(key)?.epoch ?? 0) < row.epoch) rows.set(key, row);
      }
    }
    return [...rows.values()].sort((a, b) => a.epoch - b.epoch).map(toRecord);
  }

  async readTail(range: SlotRange, after: bigint, limit: number) {
    const lanes = await this.#caughtUp(range);
    const to = this.#finalTo(range, lanes);
    const later = lanes.flatMap((lane) =>
      lane.view.held.filter((held) => held.position > after && isIn(range, held)).map((held) => ({ lane, held })),
    );
    const found = later.filter(({ held }) => held.position <= to);
    if (found.length < later.length && later.some((each) => each.held.position > to && isOfEarlier(each))) {
      throw new GuildhallError("JOURNAL_UNAVAILABLE", "what earlier owners have written is not all there yet");
    }
    found.sort((a, b) => ascending(a.held.position, b.held.position));
    const page = found.slice(0, limit);
    const records = (await Promise.all(lanes.map((lane) => lane.load(heldOf(page, lane))))).flat();
    records.sort((a, b) => ascending(a.position, b.position));
    const end = page.length === found.length;
    const readTo = end ? to : (page.at(-1)?.held.position ?? after);
    return { records, end, readTo: higher(readTo, after) };
  }

  async readTopic(topic: bigint, fromSeq: bigint, limit: number) {
    const lane = this.#laneOf(slotOf(topic));
    await lane.catchUp();
    return { records: await lane.load(lane.view.heldOf(topic, fromSeq, limit)), floor: 1n };
  }

  async *readRetries(range: SlotRange, sinceTs: bigint) {
    const lanes = await this.#caughtUp(range);
    const all = lanes.map((lane) => lane.view.held.filter((held) => isIn(range, held)));
    const newest = all.flat().reduce((ts, held) => higher(ts, held.ts), 0n);
    const since = lower(newest - retryWindowUs, sinceTs);
    for (const [index, lane] of lanes.entries()) {
      const wanted = (all[index] ?? []).filter(({ ts, isRetryable }) => isRetryable && ts >= since);
      for (let from = 0; from < wanted.length; from += pageRecords) {
        const loaded = await lane.load(wanted.slice(from, from + pageRecords));
        yield loaded.map(({ record }) => {
          const { topic, requestId, nonceKey, ts, result } = record;
          return { topic, requestId, nonceKey, ts, result };
        });
      }
    }
  }

  async readHeads(topics: readonly bigint[]): Promise<readonly Head[]> {
    const lanes = new Set(topics.map((topic) => this.#laneOf(slotOf(topic))));
    await Promise.all([...lanes].map((lane) => lane.catchUp()));
    return topics.flatMap((topic) => this.#laneOf(slotOf(topic)).view.headOf(topic) ?? []);
  }

  mostWatermark(range: SlotRange): bigint | undefined {
    let most = 0n;
    for (const slot of this.#slotsOf(range)) {
      const { view } = this.#laneOf(slot);
      if (view.ownerOf(slot)?.incarnation !== this.#writer) return undefined;
      most = higher(most, view.lastStamp);
    }
    return most;
  }

  /** Copies an EPOCH to those partitions of its range that lack it, and reads up to each. */
  async #complete(row: EpochRow): Promise<void> {
    await Promise.all(
      this.#slotsOf(row.range).map(async (slot) => {
        const lane = this.#laneOf(slot);
        await lane.catchUp();
        const isThere = () => (lane.view.ownerOf(slot)?.epoch ?? 0) >= row.epoch;
        if (isThere()) return;
        await lane.put({ is: "copy", row });
        if (!isThere()) throw new GuildhallError("JOURNAL_UNAVAILABLE", "a copy of an EPOCH did not come to count");
      }),
    );
  }

  /**
   * The position up to which nothing more can come: an owner's next records come above what it has read in the range's
   * partitions, and an owner after it reads all of that, too. What this writer owns may yet get what it has not settled;
   * what another owns may get, in each partition, what comes after its last there. Of a range of which parts have gone
   * their own ways there is no such position.
   */
  #finalTo(range: SlotRange, lanes: readonly PartitionLane[]): bigint {
    if (lanes.some(({ view }) => view.rowsOf(range).some((row) => row.range.n > range.n))) return 0n;
    const slots = this.#slotsOf(range);
    const seen = lanes.reduce((highest, { view }) => higher(highest, view.lastStamp), 0n);
    const ends = lanes.map(({ view, unsettledFrom }, index) => {
      const owner = view.ownerOf(slots[index] as number)?.incarnation ?? "";
      if (owner !== this.#writer) return view.stampOf(owner);
      return unsettledFrom === undefined ? seen : unsettledFrom - 1n;
    });
    return ends.reduce(lower, seen);
  }

  /** The lanes of a range, with everything seen that was in the log when this was called. */
  async #caughtUp(range: SlotRange): Promise<readonly PartitionLane[]> {
    const lanes = this.#slotsOf(range).map((slot) => this.#laneOf(slot));
    await Promise.all(lanes.map((lane) => lane.catchUp()));
    return lanes;
  }

  /** One slot of the range in each of its partitions; the first is the one in which it is decided. */
  #slotsOf({ i, n }: SlotRange): readonly number[] {
    const count = Math.max(1, this.#lanes.length / n);
    return Array.from({ length: count }, (_, k) => i + k * n);
  }

  #laneOf(slot: number): PartitionLane {
    return this.#lanes[shardOf(slot, this.#lanes.length)] as PartitionLane;
  }
}

/** Whether a record is of an earlier owner than the one of now, who will not tell of it by another way. */
function isOfEarlier({ lane, held }: { readonly lane: PartitionLane; readonly held: Held }): boolean {
  return lane.view.ownerOf(slotOf(held.topic))?.epoch !== held.epoch;
}

function heldOf(page: readonly { lane: PartitionLane; held: Held }[], lane: PartitionLane): readonly Held[] {
  const held = page.filter((each) => each.lane === lane).map((each) => each.held);
  return held.sort((a, b) => ascending(a.offset, b.offset));
}

function isUnknown(error: unknown): boolean {
  return error instanceof GuildhallError && error.code === "OUTCOME_UNKNOWN";
}

function toRow({ range, split, epoch, host, incarnation, moveId }: EpochRecord): EpochRow {
  if (range === undefined) throw new GuildhallError("INTERNAL", "an EPOCH without a range");
  return { range, split, epoch, host, incarnation, moveId };
}

function toRecord({ range, split, epoch, host, incarnation, moveId }: EpochRow): EpochRecord {
  return { range: { ...range }, split, epoch, host, incarnation, moveId };
}
