import type { EpochRow } from "@guildhall/slots";
import type { AppendAnswer } from "../domain/append.ts";
import type { EngineSchema } from "./engine-file.ts";

/** The file of the journal. Positions are never used twice, also after trimming. Heads outlive their records. */
export const journalSchema: EngineSchema = {
  version: 1,
  pageSizeBytes: 4_096,
  synchronous: "FULL",
  tables: `
    CREATE TABLE records (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      topic INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      slot INTEGER NOT NULL,
      request_id INTEGER NOT NULL,
      nonce_key TEXT NOT NULL,
      hash BLOB NOT NULL,
      bytes BLOB NOT NULL,
      UNIQUE (topic, seq)
    ) STRICT;
    CREATE INDEX retries ON records (ts, slot) WHERE request_id <> 0 OR nonce_key <> '';
    CREATE TABLE heads (
      topic INTEGER PRIMARY KEY,
      slot INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      last_id INTEGER NOT NULL,
      last_ts INTEGER NOT NULL,
      position INTEGER NOT NULL,
      hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE epochs (
      i INTEGER NOT NULL,
      n INTEGER NOT NULL,
      split INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      host TEXT NOT NULL,
      incarnation TEXT NOT NULL,
      move_id TEXT NOT NULL,
      PRIMARY KEY (i, n)
    ) STRICT, WITHOUT ROWID`,
};

/** The columns of an EPOCH row, for `toEpochRow`. */
export const epochColumns = "i, n, split, epoch, host, incarnation, move_id";

/** Reads an EPOCH row as SQLite gives it. */
export function toEpochRow(row: Record<string, unknown>): EpochRow {
  return {
    range: { i: Number(row.i), n: Number(row.n) },
    split: row.split !== 0n,
    epoch: Number(row.epoch),
    host: String(row.host),
    incarnation: String(row.incarnation),
    moveId: String(row.move_id),
  };
}

/** The outcome of one operation on the journal. */
export type JournalOutcome =
  | { readonly kind: "append"; readonly answers: readonly AppendAnswer[] }
  | { readonly kind: "take"; readonly taken: true }
  | { readonly kind: "take"; readonly taken: false; readonly winner: EpochRow | undefined }
  | { readonly kind: "trim"; readonly deleted: number };
