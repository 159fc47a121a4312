import { GuildhallError } from "@guildhall/errors";
import { CommandResult, type Head, type Row, type TailRecord } from "@guildhall/proto";
import { outcomeOf } from "../model/outcome.ts";
import { type GuildState, makeGuildState } from "../model/state.ts";
import type { Journal, JournalRecord, Store } from "../ports.ts";
import type { StoredRecord } from "./applier.ts";
import { makeTopicTail, type TopicTail } from "./tail.ts";

/** A topic as store and journal have it. */
export interface OpenedTopic {
  readonly head: Head;
  readonly state: GuildState;
  readonly tail: TopicTail;
  /** Records that the store lacks, in order. */
  readonly unapplied: StoredRecord[];
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
  assignRows(state, rows);
  const head = heads.find((each) => each.topic === topic) ?? { topic, epoch: 0, seq: 0n, lastId: 0n, lastTs: 0n };
  let opened: OpenedTopic = { head, state, tail: makeTopicTail(), unapplied: [] };
  for await (const { record, position } of recordsBetween(topic, appliedSeq, head.seq, journal)) {
    if (record !== undefined) opened = advanceTopic(opened, record, position);
  }
  return opened;
}

/** An opened topic with one more record, which the store may not have. */
export function advanceTopic(opened: OpenedTopic, record: JournalRecord, position: bigint): OpenedTopic {
  const { state, tail, unapplied } = opened;
  const { topic, epoch, seq, lastId, ts, rows } = record;
  assignRows(state, rows);
  tail.add(seq, rows);
  unapplied.push({ record, position });
  return seq > opened.head.seq ? { ...opened, head: { topic, epoch, seq, lastId, lastTs: ts } } : opened;
}

function assignRows(state: GuildState, rows: readonly Row[]): void {
  for (const row of rows) {
    const outcome = outcomeOf(row);
    if (outcome !== undefined) state.assign(outcome);
  }
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
