import { hash } from "node:crypto";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type EpochRow, formatRange, slotOf } from "@guildhall/slots";
import { EngineError } from "./engine-error.ts";
import type { FileGuard } from "./engine-runner.ts";
import { readEpochCopy, writeEpochCopy } from "./epoch-copy.ts";
import type { JournalOp } from "./journal-engine.ts";
import { type JournalMark, openJournalMarks } from "./journal-marks.ts";
import { epochColumns, type JournalOutcome, toEpochRow } from "./journal-schema.ts";
import { readRecordColumns } from "./record-columns.ts";

/** The files beside a journal. */
export function besideJournal(path: string): { readonly marks: string; readonly epochs: string } {
  return { marks: join(dirname(path), "journal.marks"), epochs: join(dirname(path), "journal.epochs") };
}

const hashBytes = 16;

/** The first half of the SHA-256 of a record's bytes. */
export function hashRecord(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer").subarray(0, hashBytes);
}

/**
 * Keeps beside the journal what it must not lose without anybody noticing, and compares when it is opened: the end of the
 * log may be cut off, and the journal be sound but for what it had acked.
 */
export function guardJournal(path: string): FileGuard<JournalOp, JournalOutcome> {
  const beside = besideJournal(path);
  const marks = openJournalMarks(beside.marks);
  // Read before the journal is: what is noted here was committed there.
  const copy = readEpochCopy(beside.epochs);
  let journal: DatabaseSync | undefined;
  const rowsOf = (db: DatabaseSync): EpochRow[] =>
    db.prepare(`SELECT ${epochColumns} FROM epochs`).all().map(toEpochRow);

  return {
    check(db) {
      journal = db;
      const end = (db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get()?.seq ?? 0n) as bigint;
      let marked = 0n;
      for (const { position } of marks.marks) if (position > marked) marked = position;
      if (marked > end) {
        throw new EngineError("damaged", `${path}: it ends at position ${end}, though ${marked} had been acked`);
      }
      const rows = rowsOf(db);
      const missing = (copy ?? []).find((row) => row.epoch > epochOf(rows, row));
      if (missing !== undefined) {
        const { range, epoch } = missing;
        throw new EngineError("damaged", `${path}: EPOCH ${epoch} of ${formatRange(range)} is missing`);
      }
      if (copy === undefined || rows.some((row) => row.epoch > epochOf(copy, row))) writeEpochCopy(beside.epochs, rows);
    },
    committed(group, outcomes) {
      const stored: JournalMark[] = [];
      let isTaken = false;
      for (const [index, op] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome?.kind === "take") isTaken ||= outcome.taken;
        if (op.kind !== "append" || outcome?.kind !== "append") continue;
        for (const [each, { topic, seq }] of op.records.entries()) {
          const answer = outcome.answers[each];
          if (answer?.kind === "stored") stored.push({ position: answer.position, topic, seq });
        }
      }
      if (stored.length > 0) marks.note(stored);
      if (isTaken && journal !== undefined) writeEpochCopy(beside.epochs, rowsOf(journal));
    },
    [Symbol.dispose]: () => marks[Symbol.dispose](),
  };
}

/** Whether a row is what was appended: its bytes by their hash, its columns by its bytes. */
export function isAppended(row: Readonly<Record<string, unknown>>): boolean {
  const bytes = row.bytes as Uint8Array;
  const said = readRecordColumns(bytes);
  return (
    said !== undefined &&
    Buffer.from(row.hash as Uint8Array).equals(hashRecord(bytes)) &&
    said.topic === row.topic &&
    said.seq === row.seq &&
    said.epoch === row.epoch &&
    said.ts === row.ts &&
    said.requestId === row.request_id &&
    said.nonceKey === row.nonce_key &&
    BigInt(slotOf(said.topic)) === row.slot
  );
}

/** Looks for records that are not what was appended, and heads that are not their topic's last record. */
export function verifyJournal(db: DatabaseSync): string | undefined {
  for (const row of db.prepare("SELECT * FROM records").iterate()) {
    if (!isAppended(row)) return `the record at position ${row.position} is not what was appended`;
  }
  const heads = db.prepare(
    `SELECT last.topic, heads.last_id, records.bytes, heads.position IS records.position AND heads.hash IS records.hash
       AND heads.epoch IS records.epoch AND heads.seq IS records.seq AND heads.last_ts IS records.ts
       AND heads.slot IS records.slot AS is_last
     FROM (SELECT topic, max(seq) AS seq FROM records GROUP BY topic) AS last
     JOIN records ON records.topic = last.topic AND records.seq = last.seq LEFT JOIN heads ON heads.topic = last.topic`,
  );
  for (const { topic, last_id: lastId, bytes, is_last: isLast } of heads.iterate()) {
    const isRight = isLast === 1n && readRecordColumns(bytes as Uint8Array)?.lastId === lastId;
    if (!isRight) return `the head of topic ${topic} is not its last record`;
  }
  return undefined;
}

function epochOf(rows: readonly EpochRow[], { range }: EpochRow): number {
  return rows.find((row) => row.range.i === range.i && row.range.n === range.n)?.epoch ?? 0;
}
