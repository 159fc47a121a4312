import { join } from "node:path";
import type { GuildhallError } from "@guildhall/errors";
import { makeGroupCommit } from "../domain/group-commit.ts";
import { type DirectoryPut, selectEntry, toEntry } from "../sqlite/directory-engine.ts";
import { makeEngineReader } from "../sqlite/engine-reader.ts";
import { makeEngineThread } from "../sqlite/engine-thread.ts";
import type { SalvageReport } from "../sqlite/salvage-report.ts";
import type { Directory, DirectoryEntry } from "./directory.ts";

/** Where the directory's file is, and who hears of its end. */
export interface SqliteDirectoryOptions {
  readonly folder: string;
  /** The file is damaged or of another version; nothing will work again in this process. */
  onFatal(error: GuildhallError): void;
  /** The file was damaged, and what was left of it has taken its place. */
  readonly onSalvaged?: (report: SalvageReport) => void;
}

const maxGroupEntries = 4_096;
const maxQueuedEntries = 32_768;

/** Makes a directory in `directory.db`: written by a worker thread in groups, each durable before it is answered. */
export function makeSqliteDirectory({ folder, onFatal, onSalvaged }: SqliteDirectoryOptions): Directory {
  const shared = { path: join(folder, "directory.db"), unavailableCode: "DIRECTORY_UNAVAILABLE", onFatal } as const;
  const thread = makeEngineThread<DirectoryPut, readonly DirectoryEntry[]>({
    ...shared,
    onSalvaged,
    worker: new URL("../sqlite/directory-worker.ts", import.meta.url),
  });
  const reader = makeEngineReader(shared);
  const group = makeGroupCommit<DirectoryPut, readonly DirectoryEntry[]>({
    name: "directory",
    maxGroup: maxGroupEntries,
    maxQueued: maxQueuedEntries,
    weightOf: ({ entries }) => entries.length,
    commit: async (puts) => (await thread.run(puts)).answers,
  });
  return {
    open: (before) => thread.open(before),
    put: (entries) => group.add({ entries }),
    find: async (keys) =>
      reader.read((prepare) => {
        const select = prepare(selectEntry);
        return keys.flatMap(({ kind, key }) => {
          const row = select.get(kind, key);
          return row === undefined ? [] : [toEntry(row)];
        });
      }),
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await thread[Symbol.asyncDispose]();
    },
  };
}
