import { toGuildhallError } from "@guildhall/errors";
import type { AppendAnswer, EpochRecord } from "@guildhall/proto";
import type { Journal, JournalRecord, Timers } from "../ports.ts";
import type { HostStats } from "./host-stats.ts";
import type { JournalLatency } from "./journal-latency.ts";

/** What became of one sending of a record. `certain`: it was not executed. */
export type AppendOutcome =
  | { readonly is: "stored"; readonly position: bigint }
  | { readonly is: "fenced"; readonly owner: EpochRecord | undefined }
  | { readonly is: "gap"; readonly last: bigint }
  | { readonly is: "failed"; readonly certain: boolean; readonly error: unknown };

/** A record on its way. */
export interface Appending {
  readonly record: JournalRecord;
  readonly sizeBytes: number;
  /** Set when it is first sent: its position in the journal can only be higher. */
  floor: bigint;
  answered(outcome: AppendOutcome): void;
}

/** The way of a host's records to the journal: all of one tick together, several batches under way, in order. */
export interface Appender {
  /** The highest position that any of the host's records is known to have. */
  readonly highest: bigint;
  append(appending: Appending): void;
  /** Sends records once more, at once and in order. */
  resend(appendings: readonly Appending[]): Promise<AppendOutcome[]>;
}

const maxBatchRecords = 256;
const maxBatchBytes = 1_048_576;

// The request was certainly not executed.
const certainCodes: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "QUEUE_FULL",
  "JOURNAL_UNAVAILABLE",
  "PAYLOAD_TOO_LARGE",
  "INVALID_FORM",
]);

/** Makes the appender of a host. */
export function makeAppender(options: {
  readonly journal: Pick<Journal, "append">;
  readonly timers: Pick<Timers, "soon">;
  readonly monotonicMs: () => number;
  readonly latency: JournalLatency;
  readonly stats: HostStats;
}): Appender {
  const { journal, timers, monotonicMs, latency, stats } = options;
  let waiting: Appending[] = [];
  let highest = 0n;

  const flush = (): void => {
    const all = waiting;
    waiting = [];
    for (const appending of all) appending.floor = highest;
    for (const batch of batchesOf(all)) void send(batch);
  };

  const send = async (batch: readonly Appending[]): Promise<void> => {
    const outcomes = await sendBatch(batch);
    batch.forEach((appending, index) => {
      appending.answered(outcomes[index] as AppendOutcome);
    });
  };

  const sendBatch = async (batch: readonly Appending[]): Promise<AppendOutcome[]> => {
    const records = batch.map(({ record }) => record);
    stats.appends++;
    stats.records += records.length;
    const sentMs = monotonicMs();
    try {
      const { answers, commitMicros } = await journal.append({ records });
      latency.note(commitMicros > 0 ? commitMicros / 1_000 : monotonicMs() - sentMs);
      return records.map((_, index) => outcomeOfAnswer(answers[index]));
    } catch (error) {
      latency.note(monotonicMs() - sentMs);
      const certain = certainCodes.has(toGuildhallError(error).code);
      return records.map(() => ({ is: "failed", certain, error }));
    }
  };

  const outcomeOfAnswer = (answer: AppendAnswer | undefined): AppendOutcome => {
    switch (answer?.of?.$case) {
      case "stored": {
        const { position } = answer.of.value;
        if (position > highest) highest = position;
        return { is: "stored", position };
      }
      case "fenced":
        return { is: "fenced", owner: answer.of.value.owner };
      case "gap":
        return { is: "gap", last: answer.of.value.last };
      default:
        return { is: "failed", certain: false, error: new Error("a record was not answered") };
    }
  };

  return {
    get highest() {
      return highest;
    },
    append(appending) {
      // The floor holds from now on: nothing that is known to be stored can lie above it.
      appending.floor = highest;
      waiting.push(appending);
      if (waiting.length === 1) timers.soon(flush);
    },
    resend: async (appendings) => (await Promise.all(batchesOf(appendings).map(sendBatch))).flat(),
  };
}

/** Cut where a message would hold too many records, or too many bytes. */
function batchesOf(appendings: readonly Appending[]): Appending[][] {
  const batches: Appending[][] = [];
  let bytes = 0;
  for (const appending of appendings) {
    const last = batches.at(-1);
    bytes += appending.sizeBytes;
    if (last !== undefined && last.length < maxBatchRecords && bytes <= maxBatchBytes) last.push(appending);
    else {
      batches.push([appending]);
      bytes = appending.sizeBytes;
    }
  }
  return batches;
}
