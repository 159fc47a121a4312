import type { EngineSchema } from "./engine-file.ts";

/** The file of the directory. */
export const directorySchema: EngineSchema = {
  version: 1,
  pageSizeBytes: 4_096,
  synchronous: "FULL",
  tables: `
  CREATE TABLE directory (
    kind INTEGER NOT NULL,
    key TEXT NOT NULL,
    topic INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
  ) STRICT, WITHOUT ROWID`,
};
