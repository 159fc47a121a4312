import type { DatabaseSync } from "node:sqlite";
import type { DirectoryEntry } from "../store/directory.ts";
import { directorySchema } from "./directory-schema.ts";
import type { Engine, EngineKind } from "./engine-runner.ts";

/** Entries to put where there are none; the outcome is what is there now. */
export interface DirectoryPut {
  readonly entries: readonly DirectoryEntry[];
}

/** Finds one entry by (kind, key); read with `toEntry`. */
export const selectEntry = "SELECT kind, key, topic, cell FROM directory WHERE kind = ? AND key = ?";

/** The writing side of the directory. */
export const directoryKind: EngineKind<DirectoryPut, readonly DirectoryEntry[]> = {
  schema: directorySchema,
  makeEngine,
  check: "integrity_check",
  loadSalvage: async () => (await import("./salvage-directory.ts")).salvageDirectory,
};

function makeEngine(db: DatabaseSync): Engine<DirectoryPut, readonly DirectoryEntry[]> {
  const insert = db.prepare("INSERT OR IGNORE INTO directory (kind, key, topic, cell) VALUES (?, ?, ?, ?)");
  const select = db.prepare(selectEntry);
  return {
    apply: ({ entries }) =>
      entries.map(({ kind, key, topic, cell }) => {
        insert.run(kind, key, topic, cell);
        return toEntry(select.get(kind, key) as Record<string, unknown>);
      }),
  };
}

/** Reads an entry as SQLite gives it. */
export function toEntry(row: Record<string, unknown>): DirectoryEntry {
  return {
    kind: Number(row.kind),
    key: row.key as string,
    topic: row.topic as bigint,
    cell: Number(row.cell),
  };
}
