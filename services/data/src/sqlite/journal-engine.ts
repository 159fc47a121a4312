import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type EpochAsk, slotOf } from "@guildhall/slots";
import { type AppendAnswer, type HeldRecord, judgeAppend } from "../domain/append.ts";
import { type Fences, makeFences } from "../domain/fences.ts";
import type { JournalRecord } from "../store/journal.ts";
import type { Engine, EngineKind } from "./engine-runner.ts";
import { guardJournal, hashRecord, verifyJournal } from "./journal-guard.ts";
import { epochColumns, type JournalOutcome, journalSchema, toEpochRow } from "./journal-schema.ts";

/** One operation on the journal; `trim` names positions, as pairs of first and last. */
export type JournalOp =
  | { readonly kind: "append"; readonly records: readonly JournalRecord[] }
  | { readonly kind: "take"; readonly ask: EpochAsk }
  | { readonly kind: "trim"; readonly spans: readonly (readonly [bigint, bigint])[] };

/** The writing side of the journal. */
export const journalKind: EngineKind<JournalOp, JournalOutcome> = {
  schema: journalSchema,
  makeEngine,
  check: "integrity_check",
  verify: verifyJournal,
  guard: guardJournal,
  loadSalvage: async () => (await import("./salvage-journal.ts")).salvageJournal,
};

function makeEngine(db: DatabaseSync): Engine<JournalOp, JournalOutcome> {
  const fences = makeFences(db.prepare(`SELECT ${epochColumns} FROM epochs`).all().map(toEpochRow));
  const append = makeAppend(db, fences);
  const putEpoch = db.prepare(`INSERT OR REPLACE INTO epochs (${epochColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const deleteSpan = db.prepare("DELETE FROM records WHERE position BETWEEN ? AND ?");
  return {
    apply(op) {
      switch (op.kind) {
        case "append":
          return { kind: "append", answers: op.records.map(append) };
        case "take":
          return { kind: "take", ...take(op.ask, fences, putEpoch) };
        case "trim": {
          let deleted = 0;
          for (const [first, last] of op.spans) deleted += Number(deleteSpan.run(first, last).changes);
          return { kind: "trim", deleted };
        }
        default:
          return op satisfies never;
      }
    },
  };
}

function take(ask: EpochAsk, fences: Fences, put: StatementSync) {
  const decision = fences.take(ask);
  if (decision.taken) {
    const { range, split, epoch, host, incarnation, moveId } = ask;
    put.run(range.i, range.n, split ? 1 : 0, epoch, host, incarnation, moveId);
  }
  return decision;
}

function makeAppend(db: DatabaseSync, fences: Fences): (record: JournalRecord) => AppendAnswer {
  const readHead = db.prepare("SELECT epoch, seq, position, hash FROM heads WHERE topic = ?");
  const readRecord = db.prepare("SELECT epoch, seq, position, hash FROM records WHERE topic = ? AND seq = ?");
  const insert = db.prepare(
    `INSERT INTO records (topic, seq, epoch, ts, slot, request_id, nonce_key, hash, bytes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const putHead = db.prepare(
    "INSERT OR REPLACE INTO heads (topic, slot, epoch, seq, last_id, last_ts, position, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  return (record) => {
    const { topic, epoch, seq, ts, lastId, requestId, nonceKey, bytes } = record;
    // From the topic alone: a shard number said by a writer would be trusted otherwise.
    const slot = slotOf(topic);
    const digest = hashRecord(bytes);
    const answer = judgeAppend(
      { epoch, seq, hash: digest },
      {
        head: toHeld(readHead.get(topic)),
        owner: fences.ownerOf(slot),
        find: (held) => toHeld(readRecord.get(topic, held)),
      },
    );
    if (answer !== undefined) return answer;
    const { lastInsertRowid } = insert.run(topic, seq, epoch, ts, slot, requestId, nonceKey, digest, bytes);
    const position = BigInt(lastInsertRowid);
    putHead.run(topic, slot, epoch, seq, lastId, ts, position, digest);
    return { kind: "stored", position };
  };
}

function toHeld(row: Record<string, unknown> | undefined): HeldRecord | undefined {
  if (row === undefined) return undefined;
  return {
    epoch: Number(row.epoch),
    seq: row.seq as bigint,
    position: row.position as bigint,
    hash: row.hash as Uint8Array,
  };
}
