import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { Event, encodeMessage, Record as JournalEntry } from "@guildhall/proto";
import { type EpochRow, formatRange, highestFence, slotOf } from "@guildhall/slots";
import { planEpochs, planTopic, type SeqRun, type TopicPlan } from "../domain/salvage-plan.ts";
import { EngineError } from "./engine-error.ts";
import { readEpochCopy } from "./epoch-copy.ts";
import { type FoundJournal, findJournal } from "./found-journal.ts";
import { besideJournal, hashRecord } from "./journal-guard.ts";
import { type JournalMark, openJournalMarks } from "./journal-marks.ts";
import { epochColumns, journalSchema } from "./journal-schema.ts";
import { openPageImages } from "./pages/page-images.ts";
import { replaceDamaged } from "./replace-file.ts";
import type { Salvaged, SalvageReport } from "./salvage-report.ts";
import { readStoreEnds, type StoreEnds } from "./store-ends.ts";

/** Lines of a report. */
const mostLines = 10_000;
/** Discord's epoch, and the bits below a snowflake's time. */
const snowflakeEpochMs = 1_420_070_400_000n;
const snowflakeTimeShift = 22n;
const insertRecord = `INSERT OR IGNORE INTO records (position, topic, seq, epoch, ts, slot, request_id, nonce_key, hash, bytes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertHead = `INSERT OR REPLACE INTO heads (topic, slot, epoch, seq, last_id, last_ts, position, hash)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** What is known when a damaged journal is made anew. */
interface Known {
  readonly found: FoundJournal;
  readonly marks: readonly JournalMark[];
  readonly store: StoreEnds | undefined;
  readonly epochCopy: readonly EpochRow[] | undefined;
}

/**
 * Makes the journal at `path` anew of the records that are whole. What is missing beyond the store is named, and empty
 * records take its place: nobody would read a topic that has a gap, and its next record would take a seq that was told
 * of already. Throws EngineError when there is nothing to go by.
 */
export function salvageJournal(path: string, reason: string): SalvageReport {
  const beside = besideJournal(path);
  const epochCopy = readEpochCopy(beside.epochs);
  const marks = existsSync(beside.marks) ? readMarks(beside.marks) : [];
  const store = readStoreEnds(join(dirname(path), "store.db"));
  return replaceDamaged(path, journalSchema, reason, (db) => {
    using images = openPageImages(path, journalSchema.pageSizeBytes);
    const insert = db.prepare(insertRecord);
    const found = findJournal(images, marks, ({ position, values }) => {
      insert.run(position, ...(values.slice(1) as [bigint]));
    });
    const isForeign = found.cells === 0 && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
    if (isForeign && marks.length === 0 && epochCopy === undefined) {
      throw new EngineError("damaged", `${reason}; nothing of it can be used: to begin without it, move it away`);
    }
    return new Salvage(db, { found, marks, store, epochCopy }).run();
  });
}

function readMarks(path: string): readonly JournalMark[] {
  using marks = openJournalMarks(path);
  return marks.marks;
}

class Salvage {
  readonly #db: DatabaseSync;
  readonly #known: Known;
  readonly #putRecord: StatementSync;
  readonly #putHead: StatementSync;
  readonly #lines: string[] = [];
  readonly #notes: string[] = [];
  #lostCount = 0;
  #position = 0n;
  #epochs: readonly EpochRow[] = [];

  constructor(db: DatabaseSync, known: Known) {
    this.#db = db;
    this.#known = known;
    this.#putRecord = db.prepare(insertRecord);
    this.#putHead = db.prepare(insertHead);
  }

  run(): Salvaged {
    const { found, store } = this.#known;
    this.#position = this.#highestPosition();
    this.#restoreEpochs();
    const runs = this.#presentRuns();
    const marked = new Map<bigint, bigint>();
    for (const { topic, seq } of this.#known.marks) if (seq > (marked.get(topic) ?? 0n)) marked.set(topic, seq);
    const topics = new Set([...runs.keys(), ...found.heads.keys(), ...marked.keys(), ...(store?.applied.keys() ?? [])]);
    for (const topic of topics) {
      const plan = planTopic({
        present: runs.get(topic) ?? [],
        headSeq: found.heads.get(topic)?.seq ?? 0n,
        markedSeq: marked.get(topic) ?? 0n,
        appliedSeq: store === undefined ? undefined : (store.applied.get(topic) ?? 0n),
      });
      if (plan.end > 0n) this.#restoreTopic(topic, plan);
    }
    this.#db.prepare("DELETE FROM sqlite_sequence WHERE name = 'records'").run();
    this.#db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('records', ?)").run(this.#position);
    if (store === undefined) this.#notes.push("the store could not be asked what it has: more may be missing");
    if (found.broken.size > 0)
      this.#notes.push(`records that are not what was appended: ${[...found.broken].join(", ")}`);
    if (found.damagedCells > 0) this.#notes.push(`${found.damagedCells} cells of pages could not be read`);
    const kept = Number(this.#db.prepare("SELECT count(*) AS count FROM records").get()?.count);
    const notes = this.#notes.slice(0, mostLines);
    return { kept: `${kept} records`, lostCount: this.#lostCount, lost: this.#lines.slice(0, mostLines), notes };
  }

  /** Positions are never used twice, whatever was lost. */
  #highestPosition(): bigint {
    const { found, marks, store } = this.#known;
    let highest = (this.#db.prepare("SELECT max(position) AS last FROM records").get()?.last ?? 0n) as bigint;
    const others = [
      found.sequence,
      ...marks.map(({ position }) => position),
      ...[...found.heads.values()].map(({ position }) => position),
      ...(store?.watermarks ?? []).map(({ position }) => position),
    ];
    for (const position of others) if (position > highest) highest = position;
    return highest;
  }

  #restoreEpochs(): void {
    const { found, epochCopy, store } = this.#known;
    const records = this.#db.prepare("SELECT topic, max(epoch) AS epoch FROM records GROUP BY topic").all();
    const { rows, made } = planEpochs({
      rows: [...found.epochs, ...(epochCopy ?? [])],
      fences: store?.watermarks ?? [],
      records: records.map(({ topic, epoch }) => ({ topic: topic as bigint, epoch: Number(epoch) })),
    });
    const put = this.#db.prepare(`INSERT INTO epochs (${epochColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    for (const { range, split, epoch, host, incarnation, moveId } of rows) {
      put.run(range.i, range.n, split ? 1 : 0, epoch, host, incarnation, moveId);
    }
    for (const { range, epoch } of made) {
      this.#notes.push(`who owned ${formatRange(range)} is not known: EPOCH ${epoch} of nobody's stands for it`);
    }
    this.#epochs = rows;
  }

  #presentRuns(): Map<bigint, SeqRun[]> {
    const runs = new Map<bigint, SeqRun[]>();
    for (const row of this.#db.prepare("SELECT topic, seq FROM records ORDER BY topic, seq").iterate()) {
      const [topic, seq] = [row.topic as bigint, row.seq as bigint];
      const known = runs.get(topic) ?? [];
      const last = known.at(-1);
      if (last !== undefined && last.to + 1n === seq) known[known.length - 1] = { from: last.from, to: seq };
      else known.push({ from: seq, to: seq });
      runs.set(topic, known);
    }
    return runs;
  }

  #restoreTopic(topic: bigint, plan: TopicPlan): void {
    const { end, keepFrom, lost, beyond, needsNewEnd, headIgnored } = plan;
    const dropped = this.#db.prepare("DELETE FROM records WHERE topic = ? AND seq < ?").run(topic, keepFrom).changes;
    if (dropped > 0n) {
      this.#notes.push(
        `topic ${topic}: ${dropped} records that the store has are left out, others after them are gone`,
      );
    }
    if (headIgnored) this.#notes.push(`topic ${topic}: its head could not be right`);
    for (const run of beyond) this.#lose(topic, run);
    if (beyond.length > 0) this.#notes.push(`topic ${topic}: the store has too little of it for the topic to be used`);
    for (const { from, to } of lost) {
      this.#lose(topic, { from, to });
      for (let seq = from; seq <= to; seq += 1n) this.#putEmpty(topic, seq, to === end);
    }
    if (needsNewEnd) this.#putEmpty(topic, end + 1n, true);
    this.#restoreHead(topic);
  }

  #lose(topic: bigint, { from, to }: SeqRun): void {
    this.#lostCount += Number(to - from) + 1;
    this.#lines.push(`topic ${topic}: seq ${from === to ? from : `${from} to ${to}`}`);
  }

  /** A record that says nothing, in the place of one that is gone. */
  #putEmpty(topic: bigint, seq: bigint, isAtEnd: boolean): void {
    const before = this.#entryOf(topic, seq - 1n);
    const [lastTs, lastId] = this.#endOf(topic, before);
    const nowUs = BigInt(Date.now()) * 1_000n;
    // What came after the lost ones is above them in time; at the end nobody knows how far they had gone.
    const ts = isAtEnd && nowUs > lastTs ? nowUs : lastTs + 1n;
    const idNow = (nowUs / 1_000n - snowflakeEpochMs) << snowflakeTimeShift;
    const epoch = highestFence(
      (range) => this.#epochs.find((row) => row.range.i === range.i && row.range.n === range.n)?.epoch,
      slotOf(topic),
    );
    const event = { topic, epoch, seq, dispatches: [], changes: [], userChanges: [], traceparent: "" };
    const entry: JournalEntry = {
      ...{ topic, epoch, seq, ts, requestId: 0n, nonceKey: "", result: Buffer.alloc(0), rows: [] },
      lastId: isAtEnd && idNow > lastId ? idNow : lastId,
      event: Buffer.from(Event.encode(event).finish()),
    };
    const bytes = encodeMessage(JournalEntry, entry);
    const position = this.#freePosition(before === undefined ? undefined : before.position, isAtEnd);
    const slot = slotOf(topic);
    this.#putRecord.run(position, topic, seq, epoch, ts, slot, 0n, "", hashRecord(bytes), bytes);
  }

  /** Where the lost one was, or might have been: between its neighbours; at the end, above all. */
  #freePosition(after: bigint | undefined, isAtEnd: boolean): bigint {
    if (!isAtEnd && after !== undefined) {
      const taken = this.#db.prepare("SELECT 1 FROM records WHERE position = ?");
      for (let position = after + 1n; position <= this.#position; position += 1n) {
        if (taken.get(position) === undefined) return position;
      }
    }
    this.#position += 1n;
    return this.#position;
  }

  #entryOf(topic: bigint, seq: bigint): { readonly position: bigint; readonly entry: JournalEntry } | undefined {
    const row = this.#db.prepare("SELECT position, bytes FROM records WHERE topic = ? AND seq = ?").get(topic, seq);
    if (row === undefined) return undefined;
    return { position: row.position as bigint, entry: JournalEntry.decode(row.bytes as Uint8Array) };
  }

  /** `ts` and last id before a record: of the one before it, or of the topic's head when that is lower. */
  #endOf(topic: bigint, before: { readonly entry: JournalEntry } | undefined): readonly [bigint, bigint] {
    if (before !== undefined) return [before.entry.ts, before.entry.lastId];
    const values = this.#known.found.heads.get(topic)?.values;
    return [(values?.[5] as bigint | undefined) ?? 0n, (values?.[4] as bigint | undefined) ?? 0n];
  }

  /** Of the last record; the head as it was found, where that has been trimmed. */
  #restoreHead(topic: bigint): void {
    const row = this.#db
      .prepare("SELECT position, hash, bytes FROM records WHERE topic = ? ORDER BY seq DESC LIMIT 1")
      .get(topic);
    if (row === undefined) {
      const values = this.#known.found.heads.get(topic)?.values ?? [];
      this.#putHead.run(topic, ...(values.slice(1) as [bigint]));
      return;
    }
    const { epoch, seq, lastId, ts } = JournalEntry.decode(row.bytes as Uint8Array);
    this.#putHead.run(topic, slotOf(topic), epoch, seq, lastId, ts, row.position as bigint, row.hash as Uint8Array);
  }
}
