import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import { makeGroupCommit } from "../domain/group-commit.ts";
import { makeEngineReader } from "../sqlite/engine-reader.ts";
import { makeEngineThread } from "../sqlite/engine-thread.ts";
import { reactionGroups } from "../sqlite/reaction-groups.ts";
import type { SalvageReport } from "../sqlite/salvage-report.ts";
import type { StoreOp, StoreOutcome } from "../sqlite/store-engine.ts";
import {
  listMembers,
  loadMembers,
  loadMessages,
  loadState,
  readMessage,
  readReactions,
  readWatermark,
  scanMessages,
} from "../sqlite/store-reader.ts";
import type { Store } from "./store.ts";

/** Where the store's file is, and who hears of its commits and of its end. */
export interface SqliteStoreOptions {
  readonly folder: string;
  /** After each commit: its rows, and how long the transaction took. */
  onCommitted?(group: { readonly rows: number; readonly seconds: number }): void;
  /** The file is damaged or of another version; nothing will work again in this process. */
  onFatal(error: GuildhallError): void;
  /** The file was damaged, and what was left of it has taken its place. */
  readonly onSalvaged?: (report: SalvageReport) => void;
}

/** A store in SQLite, and what waits in it. */
export interface SqliteStore extends Store {
  /** Rows that wait for the next commit. */
  readonly queued: number;
}

const maxGroupRows = 4_096;
const maxQueuedRows = 32_768;
const forgetRows = 500;

/** Makes a store in `store.db`: written by a worker thread, read here by a connection of its own. */
export function makeSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const path = join(options.folder, "store.db");
  const shared = { path, unavailableCode: "STORE_UNAVAILABLE", onFatal: options.onFatal } as const;
  const thread = makeEngineThread<StoreOp, StoreOutcome>({
    ...shared,
    onSalvaged: options.onSalvaged,
    worker: new URL("../sqlite/store-worker.ts", import.meta.url),
  });
  const reader = makeEngineReader(shared);
  const group = makeGroupCommit<StoreOp, StoreOutcome>({
    name: "store",
    maxGroup: maxGroupRows,
    maxQueued: maxQueuedRows,
    weightOf: (op) => (op.kind === "apply" ? op.batch.rows.length + 1 : 1),
    async commit(ops) {
      const { answers, seconds } = await thread.run(ops);
      const rows = ops.reduce((sum, op) => sum + (op.kind === "apply" ? op.batch.rows.length : 0), 0);
      options.onCommitted?.({ rows, seconds });
      return answers;
    },
  });

  return {
    get queued() {
      return group.queued;
    },
    open: (before) => thread.open(before),
    async apply(batch) {
      const outcome = await group.add({ kind: "apply", batch });
      if (outcome.kind === "forgotten")
        throw new GuildhallError("INTERNAL", "an apply was answered as another operation");
      return outcome;
    },
    readWatermark: async (range) => readWatermark(reader, range),
    loadState: async (topic, without, after) => loadState(reader, topic, without, after),
    loadMembers: async (topic, userIds) => loadMembers(reader, topic, userIds),
    listMembers: async (topic, afterUserId, limit) => listMembers(reader, topic, afterUserId, limit),
    loadMessages: async (channelId, messageIds, after) => loadMessages(reader, channelId, messageIds, after),
    scanMessages: async (scan) => scanMessages(reader, scan),
    readMessage: async (channelId, messageId) => readMessage(reader, channelId, messageId),
    reactionGroups: async (channelId, messageIds) => reactionGroups(reader, channelId, messageIds),
    readReactions: async (keys) => readReactions(reader, keys),
    sync: () => thread.sync(),
    async forgetDeleted(beforeTs) {
      const outcome = await group.add({ kind: "forget", beforeTs, limit: forgetRows });
      return outcome.kind === "forgotten" ? outcome.rows : 0;
    },
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await thread[Symbol.asyncDispose]();
    },
  };
}
