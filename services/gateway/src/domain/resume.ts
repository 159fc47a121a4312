import { type Attachment, lasting } from "./attachment.ts";
import { bodyFor, reachesMember } from "./audience.ts";
import type { Body } from "./body.ts";
import type { Deque } from "./deque.ts";
import type { DispatchLog, LogRecord, RecordOwner } from "./dispatch-log.ts";
import type { Session } from "./session.ts";

/** What a resume has to send, or why it cannot be. */
export type ResumePlan =
  | { readonly kind: "replay"; readonly missed: readonly Missed[]; readonly s: number }
  | { readonly kind: "gone" }
  | { readonly kind: "ahead" };

/** One dispatch that the client has not had. */
export interface Missed {
  readonly s: number;
  readonly body: Body;
}

/**
 * Reads the log back for what a session was or would have been sent after `seq`. The session must be cut. "gone": the
 * log does not reach back so far, or the session had not got its initial guilds; "ahead": so many were never sent.
 */
export function planResume(log: DispatchLog, session: Session, seq: number): ResumePlan {
  if (session.startIndex === undefined || seq < session.startS) return { kind: "gone" };
  if (seq > session.s) return { kind: "ahead" };
  const base = baseFor(log, session, session.startIndex, seq);
  if (base.index < log.floor) return { kind: "gone" };
  const happened = collect(session, base.index);
  const missed: Missed[] = [];
  let { s } = base;
  for (const { body } of happened) {
    s++;
    if (s > seq) missed.push({ s, body });
  }
  return { kind: "replay", missed, s };
}

// With more records than this between checkpoints, sessions are counted from the last one on only.
const maxVerified = 4_096;

/** Whether counting agrees with the log's own counters; "unknown" when the log does not reach back far enough to count. */
export type Counted = "right" | "wrong" | "unknown";

/**
 * Counts what a session has been sent up to `endIndex`, from the last moment at which that is known, and sets its counter. It
 * is wrong when it is not `s`, or when a checkpoint does not follow from the one before: then the log, and what was made of
 * it, differ.
 */
export function settle(log: DispatchLog, session: Session, endIndex: number, s: number | undefined): Counted {
  if (session.startIndex === undefined) return "unknown";
  const start = { index: session.startIndex, counter: session.startS };
  const [checkpoint = start, before = start] = log.lastCheckpoints(session.slot, start.index);
  // When it got a client again, its counter was said, too.
  const linked = { index: session.cutIndex, counter: session.s };
  const last = s === undefined && linked.index > checkpoint.index ? linked : checkpoint;
  session.cutIndex = endIndex;
  session.s = s ?? session.s;
  if (last.index < log.floor) return "unknown";
  const isVerified = before.index >= log.floor && recordsAfter(session, before.index) <= maxVerified;
  const happened = collect(session, isVerified ? before.index : last.index).filter(({ index }) => index <= endIndex);
  const counterAt = (known: { readonly index: number; readonly counter: number }): number =>
    known.counter + happened.filter(({ index }) => index > known.index).length;
  session.s = s ?? counterAt(last);
  if (session.s !== counterAt(last)) return "wrong";
  return isVerified && counterAt(before) !== counterAt(checkpoint) ? "wrong" : "right";
}

/** Records after an index that are to be looked at for a session. */
function recordsAfter(session: Session, from: number): number {
  const owners: Deque<LogRecord>[] = session.attachments.map(({ topic }) => topic.records);
  if (session.hasOwnRecords) owners.push(session.records);
  return owners.reduce((sum, each) => sum + each.length - each.search(({ index }) => index <= from), 0);
}

/** The newest known moment at which the session had been sent no more than `seq`. */
function baseFor(log: DispatchLog, session: Session, startIndex: number, seq: number): { index: number; s: number } {
  if (session.s <= seq) return { index: session.cutIndex, s: session.s };
  const checkpoint = log.checkpointFor(session.slot, seq, startIndex);
  if (checkpoint === undefined) return { index: startIndex, s: session.startS };
  return { index: checkpoint.index, s: checkpoint.counter };
}

interface Happened {
  readonly index: number;
  readonly body: Body;
}

/** Everything after `from` that concerns the session, in order. */
function collect(session: Session, from: number): Happened[] {
  const happened: Happened[] = [];
  const read = (owner: RecordOwner, after: number, upTo: number, select: (record: LogRecord) => Body | undefined) => {
    const { records } = owner;
    for (let place = records.search(({ index }) => index <= after); place < records.length; place++) {
      const record = records.at(place) as LogRecord;
      if (record.index > upTo) return;
      const body = record.isEphemeral && session.didShed(record.index) ? undefined : select(record);
      if (body !== undefined) happened.push({ index: record.index, body });
    }
  };
  for (const attachment of session.attachments) {
    const upTo = attachment.to === lasting ? Number.POSITIVE_INFINITY : attachment.to;
    read(attachment.topic, Math.max(from, attachment.from), upTo, (record) => bodyOf(attachment, record));
  }
  if (session.hasOwnRecords) read(session, from, Number.POSITIVE_INFINITY, ({ dispatch }) => dispatch.body);
  return happened.sort((a, b) => a.index - b.index);
}

/** What the session was sent of a record of a topic that it had then. */
export function bodyOf(
  { session, member }: Pick<Attachment, "session" | "member">,
  { dispatch, eventIndex }: LogRecord,
): Body | undefined {
  if (member === undefined) {
    if (!session.isFirstShard) return undefined;
  } else {
    const before = member.viewAt(eventIndex - 1);
    const after = member.viewAt(eventIndex);
    if (!reachesMember(dispatch.audience, session.userId, before, after)) return undefined;
  }
  return bodyFor(dispatch, session.profile, session.userId);
}
