import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { DirectoryKind, Record as JournalEntry, type Row, StateKind } from "@guildhall/proto";
import { directorySchema } from "./directory-schema.ts";
import { EngineError } from "./engine-error.ts";
import { readCells } from "./pages/cells.ts";
import { openPageImages, type PageImages } from "./pages/page-images.ts";
import { replaceDamaged } from "./replace-file.ts";
import type { SalvageReport } from "./salvage-report.ts";

/** Which kind of entry leads to a thing of this kind. */
const kinds: ReadonlyMap<StateKind, DirectoryKind> = new Map([
  [StateKind.STATE_KIND_CHANNEL, DirectoryKind.DIRECTORY_KIND_CHANNEL],
  [StateKind.STATE_KIND_INVITE, DirectoryKind.DIRECTORY_KIND_INVITE],
]);

/**
 * Makes the directory at `path` anew of the entries that can be read, and of the channels and invites that store and
 * journal know. Throws EngineError when there are none.
 */
export function salvageDirectory(path: string, reason: string): SalvageReport {
  return replaceDamaged(path, directorySchema, reason, (db) => {
    using images = openPageImages(path, directorySchema.pageSizeBytes);
    const insert = db.prepare("INSERT OR IGNORE INTO directory (kind, key, topic, cell) VALUES (?, ?, ?, ?)");
    const read = copyEntries(images, insert);
    const made =
      fromStore(join(dirname(path), "store.db"), insert) + fromJournal(join(dirname(path), "journal.db"), insert);
    if (read + made === 0 && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) {
      throw new EngineError("damaged", `${reason}; nothing of it can be used: to begin without it, move it away`);
    }
    const notes = ["entries of channels and invites that neither store nor journal know are gone, if there were any"];
    return { kept: `${read} entries, ${made} more by store and journal`, lostCount: 0, lost: [], notes };
  });
}

function copyEntries(images: PageImages, insert: StatementSync): number {
  let count = 0;
  for (const { page, bytes } of images.current()) {
    for (const { rowid, values } of readCells(page, bytes, images.latest)?.cells ?? []) {
      const [kind, key, topic, cell] = values;
      if (rowid !== undefined || values.length !== 4 || typeof key !== "string") continue;
      if (typeof kind !== "bigint" || typeof topic !== "bigint" || typeof cell !== "bigint") continue;
      count += Number(insert.run(kind, key, topic, cell).changes);
    }
  }
  return count;
}

function fromStore(path: string, insert: StatementSync): number {
  try {
    using store = new DatabaseSync(path, { readOnly: true, readBigInts: true });
    let count = 0;
    for (const [kind, entryKind] of kinds) {
      for (const { topic, key } of store.prepare("SELECT topic, key FROM state WHERE kind = ?").iterate(kind)) {
        count += Number(insert.run(entryKind, key as string, topic as bigint, 0).changes);
      }
    }
    return count;
  } catch {
    return 0;
  }
}

function fromJournal(path: string, insert: StatementSync): number {
  try {
    using journal = new DatabaseSync(path, { readOnly: true, readBigInts: true });
    let count = 0;
    for (const { bytes } of journal.prepare("SELECT bytes FROM records").iterate()) {
      for (const row of JournalEntry.decode(bytes as Uint8Array).rows) count += putEntry(row, insert);
    }
    return count;
  } catch {
    return 0;
  }
}

function putEntry({ of }: Row, insert: StatementSync): number {
  if (of?.$case !== "state") return 0;
  const kind = kinds.get(of.value.kind);
  return kind === undefined ? 0 : Number(insert.run(kind, of.value.key, of.value.topic, 0).changes);
}
