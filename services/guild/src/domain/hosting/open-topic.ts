import { GuildhallError } from "@guildhall/errors";
import { CommandResult, type Head, type TailRecord } from "@guildhall/proto";
import { outcomeOf } from "../model/outcome.ts";
import { type GuildState, makeGuildState } from "../model/state.ts";
import type { Journal, JournalRecord, Store } from "../ports.ts";
import { makeTopicTail, type TopicTail } from "./tail.ts";

/** A topic as store and journal have it. */
export interface OpenedTopic {
  readonly head: Head;
  readonly state: GuildState;
  readonly tail: TopicTail;
  /** Records that the store lacks, in order. */
  readonly unapplied: readonly { readonly record: JournalRecord; readonly position: bigint }[];
}

const chunk = 512;

/** Reads a topic: its rows from the store, then the records that the store does not have yet. */
export async function openTopic(
  topic: bigint,
  journal: Pick<Journal, "readHeads" | "readTopic">,
  store: Pick<Store, "loadGuild">,
): Promise<OpenedTopic> {
  const [{ rows, appliedSeq }, heads] = await Promise.all([store.loadGuild(topic), journal.readHeads([topic])]);
  const state = makeGuildState(topic);
  for (const row of rows) {
    const outcome = outcomeOf(row);
    if (outcome !== undefined) state.assign(outcome);
  }
  const found = heads.find((head) => head.topic === topic);
  let head: Head = found ?? { topic, epoch: 0, seq: 0n, lastId: 0n, lastTs: 0n };
  const tail = makeTopicTail();
  const unapplied: { record: JournalRecord; position: bigint }[] = [];
  for await (const { record, position } of recordsBetween(topic, appliedSeq, head.seq, journal)) {
    if (record === undefined) continue;
    for (const row of record.rows) {
      const outcome = outcomeOf(row);
      if (outcome !== undefined) state.assign(outcome);
    }
    tail.add(record.seq, record.rows);
    unapplied.push({ record, position });
    const { epoch, seq, lastId, ts } = record;
    if (seq > head.seq) head = { topic, epoch, seq, lastId, lastTs: ts };
  }
  return { head, state, tail, unapplied };
}

async function* recordsBetween(
  topic: bigint,
  after: bigint,
  to: bigint,
  journal: Pick<Journal, "readTopic">,
): AsyncGenerator<TailRecord> {
  for (let from = after + 1n; from <= to; ) {
    const { records } = await journal.readTopic(topic, from, chunk);
    yield* records;
    const last = records.at(-1)?.record?.seq;
    if (last === undefined) throw new GuildhallError("JOURNAL_GAP", "the journal lacks records that the store lacks");
    from = last + 1n;
  }
}

/** What a record's sender was answered. */
export function resultOf({ result }: JournalRecord): CommandResult {
  return CommandResult.decode(result);
}
