import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { Record as JournalEntry } from "@guildhall/proto";
import { highestFence } from "@guildhall/slots";
import { owningRanges } from "../domain/trim.ts";
import { toStoreRows } from "../rpc/convert.ts";
import { EngineError } from "./engine-error.ts";
import { epochColumns, toEpochRow } from "./journal-schema.ts";
import { type CellValue, readCells } from "./pages/cells.ts";
import { openPageImages, type PageImages } from "./pages/page-images.ts";
import { findLostParts, type LostPart, readFreePages, readRoots } from "./pages/walk-tree.ts";
import { replaceDamaged } from "./replace-file.ts";
import type { Salvaged, SalvageReport } from "./salvage-report.ts";
import { storeSchema } from "./store-schema.ts";
import { makeRowWriter } from "./store-writer.ts";

/** How the rows of a table look: "i" a number, "t" text, "b" bytes; and where their write time is. */
interface Shape {
  readonly table: string;
  readonly types: string;
  readonly columns: string;
  /** The rows of a part that is lost, by the first columns of their key. */
  readonly name: (key: readonly CellValue[]) => string;
}

const shapes: readonly Shape[] = [
  {
    table: "state",
    types: "iitiib",
    columns: "topic, kind, key, ts, deleted, value",
    name: ([topic, kind, key]) => `topic ${topic}, kind ${kind}, key ${key}`,
  },
  {
    table: "members",
    types: "iiiib",
    columns: "topic, user_id, ts, deleted, value",
    name: ([topic, user]) => `topic ${topic}, user ${user}`,
  },
  {
    table: "messages",
    types: "iiiiibibi",
    columns: "channel_id, message_id, ts, deleted, author_id, mention_ids, seq, open_json, reference_id",
    name: ([channel, message]) => `channel ${channel}, message ${message}`,
  },
  {
    table: "reactions",
    types: "iiitiiii",
    columns: "channel_id, message_id, emoji_id, emoji_name, user_id, ts, deleted, seq",
    name: ([channel, message]) => `channel ${channel}, message ${message}`,
  },
];
const mostLines = 10_000;

/**
 * Makes the store at `path` anew of the rows that can be read, and of all that the journal still has; how far it is
 * applied follows from the journal. What was lost and is in the journal no more is gone: the report names between which
 * keys. Throws EngineError when there is neither a row nor a journal.
 */
export function salvageStore(path: string, reason: string): SalvageReport {
  return replaceDamaged(path, storeSchema, reason, (db) => {
    using images = openPageImages(path, storeSchema.pageSizeBytes);
    const rows = copyRows(db, images);
    const journal = join(dirname(path), "journal.db");
    if (rows === 0 && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0 && !hasRecords(journal)) {
      throw new EngineError("damaged", `${reason}; nothing of it can be used: to begin without it, move it away`);
    }
    const replayed = replay(db, journal);
    putChannels(db);
    return { kept: `${rows} rows, ${replayed} records of the journal applied again`, ...nameLost(images) };
  });
}

function copyRows(db: DatabaseSync, images: PageImages): number {
  const puts = new Map<string, StatementSync>(
    shapes.map(({ table, types, columns }) => {
      const names = columns.split(", ");
      const sets = names.map((name) => `${name} = excluded.${name}`).join(", ");
      const places = names.map(() => "?").join(", ");
      const conflict = `ON CONFLICT DO UPDATE SET ${sets} WHERE excluded.ts >= ts`;
      return [types, db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${places}) ${conflict}`)];
    }),
  );
  const free = readFreePages(images);
  let rows = 0;
  for (const { page, bytes } of images.current()) {
    if (free.has(page)) continue;
    for (const { rowid, values } of readCells(page, bytes, images.latest)?.cells ?? []) {
      const put = rowid === undefined ? puts.get(typesOf(values)) : undefined;
      if (put === undefined) continue;
      put.run(...(values as [bigint]));
      rows += 1;
    }
  }
  return rows;
}

function typesOf(values: readonly CellValue[]): string {
  return values
    .map((value) => {
      if (typeof value === "bigint") return "i";
      return typeof value === "string" ? "t" : value === null || typeof value === "number" ? "-" : "b";
    })
    .join("");
}

function hasRecords(journal: string): boolean {
  if (!existsSync(journal)) return false;
  using db = new DatabaseSync(journal, { readOnly: true });
  return db.prepare("SELECT 1 FROM heads LIMIT 1").get() !== undefined;
}

/** Applies all that the journal has. What it has no more had been applied, so that the store is as far as the journal is. */
function replay(db: DatabaseSync, path: string): number {
  if (!existsSync(path)) return 0;
  using journal = new DatabaseSync(path, { readOnly: true, readBigInts: true });
  const write = makeRowWriter(db);
  let records = 0;
  for (const { bytes } of journal.prepare("SELECT bytes FROM records ORDER BY position").iterate()) {
    for (const row of toStoreRows(JournalEntry.decode(bytes as Uint8Array).rows)) write(row);
    records += 1;
  }
  const putApplied = db.prepare("INSERT OR REPLACE INTO applied (topic, seq) VALUES (?, ?)");
  for (const { topic, seq } of journal.prepare("SELECT topic, seq FROM heads").iterate()) {
    putApplied.run(topic as bigint, seq as bigint);
  }
  const epochs = journal.prepare(`SELECT ${epochColumns} FROM epochs`).all().map(toEpochRow);
  const last = journal.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").get()?.seq ?? 0n;
  const putWatermark = db.prepare("INSERT INTO watermarks (i, n, position, epoch) VALUES (?, ?, ?, ?)");
  for (const { i, n } of owningRanges(epochs)) {
    const epoch = highestFence((at) => epochs.find(({ range }) => range.i === at.i && range.n === at.n)?.epoch, i);
    putWatermark.run(i, n, last as bigint, epoch);
  }
  return records;
}

/** The last seq of each channel's rows, by the rows. */
function putChannels(db: DatabaseSync): void {
  db.exec(
    `INSERT INTO channels (channel_id, seq) SELECT channel_id, max(seq) FROM
       (SELECT channel_id, seq FROM messages UNION ALL SELECT channel_id, seq FROM reactions) GROUP BY channel_id`,
  );
}

function nameLost(images: PageImages): Pick<Salvaged, "lostCount" | "lost" | "notes"> {
  const roots = readRoots(images);
  const lost: string[] = [];
  for (const { table, name } of shapes) {
    const root = roots.get(table);
    for (const part of root === undefined ? [] : findLostParts(images, root)) lost.push(lineOf(table, part, name));
  }
  const unknown = roots.size === 0 ? ["its first page cannot be read: which rows are gone cannot be told"] : [];
  const notes = lost.length + unknown.length > 0 ? ["rows that the journal still had are there again"] : [];
  return { lostCount: lost.length + unknown.length, lost: [...unknown, ...lost].slice(0, mostLines), notes };
}

function lineOf(table: string, { page, after, before }: LostPart, name: Shape["name"]): string {
  const from = after === undefined ? "the first" : `after ${name(after.values)}`;
  const to = before === undefined ? "the last" : `before ${name(before.values)}`;
  return `${table}: rows of page ${page}, ${from} to ${to}`;
}
