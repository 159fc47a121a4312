import type { Row } from "@guildhall/proto";
import type { DataClient } from "@guildhall/rpc";
import type { Directory, Journal, Store } from "../domain/ports.ts";

// Appends are settled by resending: waiting longer for one answer would only delay that.
const appendTimeoutMs = 5_000;
const directoryTimeoutMs = 3_000;

/** The journal at `data`. */
export function makeJournal(data: DataClient): Journal {
  return {
    append: (append) => data.call("append", append, { timeoutMs: appendTimeoutMs }),
    takeEpoch: (record, prev) => data.call("takeEpoch", { record, prev }),
    readEpochs: async (range) => (await data.call("readEpochs", { range })).records,
    readTail: (range, after, limit) => data.call("readTail", { range, after, limit }),
    readTopic: (topic, fromSeq, limit) => data.call("readTopic", { topic, fromSeq, limit }),
    async *readRetries(range, sinceTs) {
      let after = "";
      do {
        const page = await data.call("readRetries", { range, sinceTs, after });
        yield page.retries;
        after = page.next;
      } while (after !== "");
    },
    readHeads: async (topics) => (await data.call("readHeads", { topics: [...topics] })).heads,
  };
}

/** The store at `data`. */
export function makeStore(data: DataClient): Store {
  return {
    // Many records of many traces, long after: of none of them.
    apply: (apply) => data.call("apply", apply, { traceparent: "" }),
    readWatermark: (range) => data.call("readWatermark", { range }),
    async loadGuild(topic) {
      const first = await data.call("loadGuild", { topic, after: "" });
      const rows: Row[] = first.rows;
      for (let after = first.next; after !== ""; ) {
        const page = await data.call("loadGuild", { topic, after });
        rows.push(...page.rows);
        after = page.next;
      }
      return { rows, appliedSeq: first.appliedSeq, next: "" };
    },
    loadMembers: async (topic, userIds) => (await data.call("loadMembers", { topic, userIds: [...userIds] })).rows,
    listMembers: async (topic, after, limit) => (await data.call("listMemberRows", { topic, after, limit })).rows,
    async loadMessages(channelId, messageIds) {
      const rows: Row[] = [];
      let after = "";
      do {
        const page = await data.call("loadMessages", { channelId, messageIds: [...messageIds], after });
        rows.push(...page.rows);
        after = page.next;
      } while (after !== "");
      return rows;
    },
  };
}

/** The directory at `data`. */
export function makeDirectory(data: DataClient): Directory {
  return {
    put: async (entries) =>
      (await data.call("putDirectory", { entries: [...entries] }, { timeoutMs: directoryTimeoutMs })).entries,
  };
}
