import { join } from "node:path";
import type { GuildhallError } from "@guildhall/errors";
import { slotOf } from "@guildhall/slots";
import { makeGroupCommit } from "../domain/group-commit.ts";
import { makeRecentSlots, type RecentSlots } from "../domain/recent-slots.ts";
import { makeSlotTotals, type SlotTotals } from "../domain/slot-totals.ts";
import { retriesFrom, type Span, spansToTrim } from "../domain/trim.ts";
import { makeEngineReader } from "../sqlite/engine-reader.ts";
import { makeEngineThread } from "../sqlite/engine-thread.ts";
import type { JournalOp } from "../sqlite/journal-engine.ts";
import { type JournalReader, makeJournalReader } from "../sqlite/journal-reader.ts";
import type { JournalOutcome } from "../sqlite/journal-schema.ts";
import type { SalvageReport } from "../sqlite/salvage-report.ts";
import type { Journal, JournalRecord, TrimMark } from "./journal.ts";

/** Where the journal's file is, and who hears of its commits and of its end. */
export interface SqliteJournalOptions {
  readonly folder: string;
  /** After each commit: its records, and how long the transaction took. */
  onCommitted?(group: { readonly records: number; readonly seconds: number }): void;
  /** The file is damaged or of another version; nothing will work again in this process. */
  onFatal(error: GuildhallError): void;
  /** The file was damaged, and what was left of it has taken its place. */
  readonly onSalvaged?: (report: SalvageReport) => void;
}

/** A journal in SQLite, and what waits in it. */
export interface SqliteJournal extends Journal {
  /** Records that wait for the next commit. */
  readonly queued: number;
}

const maxGroupRecords = 2_048;
const maxQueuedRecords = 16_384;
const recentRecords = 65_536;
const trimScanRecords = 2_000;
const trimDeleteRecords = 500;

/** Makes a journal in `journal.db`: written by a worker thread in groups, each durable before it is answered. */
export function makeSqliteJournal(options: SqliteJournalOptions): SqliteJournal {
  const path = join(options.folder, "journal.db");
  const shared = { path, unavailableCode: "JOURNAL_UNAVAILABLE", onFatal: options.onFatal } as const;
  const thread = makeEngineThread<JournalOp, JournalOutcome>({
    ...shared,
    onSalvaged: options.onSalvaged,
    // Who appends has to find out what became of it.
    uncertainCode: "OUTCOME_UNKNOWN",
    worker: new URL("../sqlite/journal-worker.ts", import.meta.url),
  });
  const connection = makeEngineReader(shared);
  const recent = makeRecentSlots(recentRecords);
  const reader = makeJournalReader(connection, recent);
  const memory = makeMemory(reader, recent);
  let lastCommitMs = 0;
  const group = makeGroupCommit<JournalOp, JournalOutcome>({
    name: "journal",
    maxGroup: maxGroupRecords,
    maxQueued: maxQueuedRecords,
    weightOf: (op) => (op.kind === "append" ? op.records.length : 1),
    async commit(ops) {
      const { answers, seconds } = await thread.run(ops);
      lastCommitMs = seconds * 1_000;
      let records = 0;
      for (const [index, op] of ops.entries()) {
        if (op.kind !== "append") continue;
        records += op.records.length;
        memory.note(op.records, answers[index]);
      }
      if (records > 0) options.onCommitted?.({ records, seconds });
      return answers;
    },
  });
  const run = async <K extends JournalOutcome["kind"]>(op: JournalOp & { kind: K }) =>
    (await group.add(op)) as Extract<JournalOutcome, { kind: K }>;

  return {
    get queued() {
      return group.queued;
    },
    get lastCommitMs() {
      return lastCommitMs;
    },
    async open(before) {
      await thread.open(before);
      memory.totals();
    },
    append: async (records) => (await run({ kind: "append", records })).answers,
    takeEpoch: (ask) => run({ kind: "take", ask }),
    readEpochs: async (range) => reader.readEpochs(range),
    readTail: async (range, after, limit) => reader.readTail(range, after, limit),
    readTopic: async (topic, fromSeq, limit) => reader.readTopic(topic, fromSeq, limit),
    readRetries: async (range, sinceTs, after) =>
      reader.readRetries(range, retriesFrom(sinceTs, memory.totals().newest(range)), after),
    readHeads: async (topics) => reader.readHeads(topics),
    countTopics: async (n) => memory.totals().topicsBy(n),
    newestTs: (range) => memory.totals().newest(range),
    trim: (marks) => trim(marks, reader, async (spans) => (await run({ kind: "trim", spans })).deleted),
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
      await thread[Symbol.asyncDispose]();
    },
  };
}

/** What is known of the records without reading them. */
interface Memory {
  /** Read from the heads when it is first asked for. */
  totals(): SlotTotals;
  note(records: readonly JournalRecord[], outcome: JournalOutcome | undefined): void;
}

function makeMemory(reader: JournalReader, recent: RecentSlots): Memory {
  let totals: SlotTotals | undefined;
  // What the heads told of is not counted again when its commit is noted after that, nor is a resend.
  let counted = 0n;
  return {
    totals() {
      if (totals !== undefined) return totals;
      const loaded = makeSlotTotals();
      counted = reader.eachSlot(loaded.add);
      totals = loaded;
      return loaded;
    },
    note(records, outcome) {
      if (outcome?.kind !== "append") return;
      for (const [index, { topic, ts, seq }] of records.entries()) {
        const answer = outcome.answers[index];
        if (answer?.kind !== "stored") continue;
        const slot = slotOf(topic);
        recent.note(Number(answer.position), slot);
        totals?.note(slot, ts, seq === 1n && answer.position > counted);
        if (answer.position > counted) counted = answer.position;
      }
    },
  };
}

/** Goes through the journal from its beginning, in steps between which others commit. */
async function trim(
  marks: readonly TrimMark[],
  reader: JournalReader,
  deleteSpans: (spans: readonly Span[]) => Promise<number>,
): Promise<number> {
  let deleted = 0;
  let after = 0n;
  for (;;) {
    const scanned = reader.scan(after, trimScanRecords);
    const { spans, end } = spansToTrim(scanned, marks, trimDeleteRecords);
    for (const part of spans) deleted += await deleteSpans(part);
    const last = scanned.at(-1);
    if (end || last === undefined || scanned.length < trimScanRecords) return deleted;
    after = last.position;
  }
}
