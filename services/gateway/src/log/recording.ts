import type { Clock } from "@guildhall/lifecycle";
import type { AttachedTopic, TopicKind } from "../domain/attachment.ts";
import type { Body } from "../domain/body.ts";
import type { DispatchLog } from "../domain/dispatch-log.ts";
import type { EphemeralEvent, TopicEvent } from "../domain/event.ts";
import type { GuildTopic } from "../domain/guild-topic.ts";
import type { EndReason, GuildStart, LogWriter, OwnOrigin, Unfinished } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import type { LogHolder, SessionStore } from "../store/session-store.ts";
import { Blobs } from "./blobs.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { keyOf, kinds, type PendingInput } from "./input.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { writeShape } from "./shape-bytes.ts";
import { Turns } from "./turns.ts";
import {
  writeAttached,
  writeCheckpoint,
  writeEnded,
  writeEvent,
  writeLeft,
  writeLink,
  writeOrigin,
  writeOwn,
  writeSession,
} from "./write-input.ts";

/** What recording uses. */
export interface RecordingPorts {
  readonly store: SessionStore;
  readonly holder: LogHolder;
  readonly log: DispatchLog;
  readonly clock: Clock;
  /** Runs something when the present turn's input has been taken in. */
  soon(act: () => void): void;
  /** How long a session without a client may be resumed. */
  readonly windowMs: number;
  /** More of the log than this is not kept, however young. */
  readonly maxBytes: number;
  /** The log can no longer be written, or can be again. */
  onState(isWriting: boolean, error: unknown): void;
}

/** What there is to write bases of. */
export interface RecordedState {
  readonly topics: { all(): Iterable<GuildTopic>; readonly count: number };
  readonly sessions: { all(): Iterable<Session>; readonly count: number };
}

// Each topic and session is written whole once in this time.
const basesEveryMs = 30_000;
// After a hole they are due sooner: until then nobody else can go on with them.
const basesAfterHoleMs = 5_000;
// A client may have been sent less than its session's counter says when it was cut.
const slackMs = 30_000;
// A tick late is not made up for.
const maxPassedMs = 2_000;

/**
 * Writes the session log of this process: what the core is given, once for each event and not for each session. All that a
 * turn of the event loop brings is one block, appended before any of its frames goes to a socket.
 *
 * So that what is older than the resume window can be dropped, everything is written whole from time to time: topics and
 * sessions take turns, a few in each tick.
 */
export class Recording implements LogWriter, Disposable {
  readonly #ports: RecordingPorts;
  readonly #segments: SegmentWriter;
  readonly #out: ByteWriter;
  readonly #blobs = new Blobs();
  #topics: Turns<GuildTopic> | undefined;
  #sessions: Turns<Session> | undefined;
  #isPlanned = false;
  #tickedMs: number;
  #hurriedUntilMs = 0;
  /** Sessions that are still joining their topics: what they were adopted with stands for a base. */
  readonly #pending = new Map<Session, Set<string>>();

  constructor(ports: RecordingPorts) {
    this.#ports = ports;
    this.#tickedMs = ports.clock.monotonicMs();
    this.#segments = new SegmentWriter({
      ...ports,
      // A base may be as old as two rounds when the last record that needs it is written.
      keepMs: ports.windowMs + slackMs + 2 * basesEveryMs,
      onSegment: () => this.#blobs.clear(),
      onHole: () => this.#hurry(),
    });
    this.#out = this.#segments.out;
  }

  /** Whether other gateways can go on with the sessions of this one. */
  get isWriting(): boolean {
    return this.#segments.isWriting;
  }

  /** Bytes in the segments that are kept. */
  get bytes(): number {
    return this.#segments.bytes;
  }

  /** Records written since the start. */
  get records(): number {
    return this.#segments.records;
  }

  /** From now on bases are written of this. */
  follow({ topics, sessions }: RecordedState): void {
    this.#topics = new Turns(
      () => topics.all(),
      () => topics.count,
    );
    this.#sessions = new Turns(
      () => sessions.all(),
      () => sessions.count,
    );
  }

  /** Appends what the turn brought. To be called before any frame goes out; costs nothing when there is nothing. */
  flush(): void {
    this.#segments.flush();
  }

  /** Writes a few bases, and lets segments begin and go. */
  tick(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const passedMs = Math.min(nowMs - this.#tickedMs, maxPassedMs);
    this.#tickedMs = nowMs;
    this.#segments.tick();
    const periodMs = nowMs < this.#hurriedUntilMs ? basesAfterHoleMs : basesEveryMs;
    for (const topic of this.#topics?.next(passedMs, periodMs) ?? []) this.#base(topic);
    for (const session of this.#sessions?.next(passedMs, periodMs) ?? []) this.#baseOf(session);
    this.flush();
  }

  [Symbol.dispose](): void {
    this.flush();
    this.#segments[Symbol.dispose]();
  }

  topic(topic: GuildTopic): void {
    if (!this.#begin()) return;
    this.#out.u8(kinds.topic);
    this.#out.varint(this.#ports.log.index);
    this.#out.varint(topic.seq);
    writeShape(this.#out, topic.shape());
  }

  topicEnded(guildId: bigint): void {
    if (!this.#begin()) return;
    this.#out.u8(kinds.topicEnded);
    this.#out.u64(guildId);
  }

  event(kind: TopicKind, event: TopicEvent): void {
    if (!this.#begin()) return;
    writeEvent(this.#out, kind === "guild" ? kinds.guildEvent : kinds.userEvent, this.#ports.log.index, event);
  }

  ephemeral(kind: TopicKind, event: EphemeralEvent): void {
    if (!this.#begin()) return;
    writeEvent(this.#out, kind === "guild" ? kinds.guildEphemeral : kinds.userEphemeral, this.#ports.log.index, event);
  }

  begun(session: Session): void {
    if (this.#begin())
      writeSession(this.#out, this.#ports.log.index, session, { joining: session.joining, pending: [] });
  }

  adopted(session: Session, { pending, joining }: Unfinished): void {
    this.#pending.set(session, new Set(pending.map(({ kind, id }) => keyOf(kind, id))));
    if (!this.#begin()) return;
    const inputs = pending.map(({ kind, id, progress, start }): PendingInput => {
      const roleIds = start?.members.get(session.userId) ?? [];
      return { kind, id, progress, start: start === undefined ? 0 : this.#putStart(start), roleIds };
    });
    this.#begin();
    writeSession(this.#out, this.#ports.log.index, session, { joining, pending: inputs });
  }

  attached(session: Session, topic: AttachedTopic): void {
    this.#noLongerPending(session, topic.kind, topic.id);
    if (this.#begin()) writeAttached(this.#out, this.#ports.log.index, session, topic);
  }

  left(session: Session, kind: TopicKind, topic: bigint): void {
    this.#noLongerPending(session, kind, topic);
    if (this.#begin()) writeLeft(this.#out, session, kind, topic);
  }

  cut(session: Session): void {
    if (this.#begin()) writeLink(this.#out, kinds.cut, this.#ports.log.index, session);
  }

  /** It is written whole, too: while it was cut it was not, and what was written before may go soon. */
  relinked(session: Session): void {
    if (!this.#begin()) return;
    writeLink(this.#out, kinds.relinked, this.#ports.log.index, session);
    this.#baseOf(session);
  }

  ended(session: Session, reason: EndReason): void {
    this.#pending.delete(session);
    if (this.#begin()) writeEnded(this.#out, session, reason);
  }

  own(session: Session, body: Body, isShared: boolean, origin: OwnOrigin | undefined): void {
    if (!this.#begin()) return;
    if (!isShared) {
      writeOwn(this.#out, kinds.own, this.#ports.log.index, session);
      writeOrigin(this.#out, origin);
      this.#putBody(body);
      return;
    }
    const { number, isNew } = this.#blobs.numberOf(body);
    if (isNew) {
      this.#out.u8(kinds.body);
      this.#out.varint(number);
      writeOrigin(this.#out, origin);
      this.#putBody(body);
      this.#begin();
    }
    writeOwn(this.#out, kinds.ownShared, this.#ports.log.index, session);
    this.#out.varint(number);
  }

  shed({ slot }: Session, index: number): void {
    if (!this.#begin()) return;
    this.#out.u8(kinds.shed);
    this.#out.varint(slot);
    this.#out.varint(index);
  }

  joining({ slot }: Session, guildId: bigint, wasAnnounced: boolean): void {
    if (!this.#begin()) return;
    this.#out.u8(kinds.joining);
    this.#out.varint(slot);
    this.#out.u64(guildId);
    this.#out.u8(wasAnnounced ? 1 : 0);
  }

  joinOver({ slot }: Session, guildId: bigint): void {
    if (!this.#begin()) return;
    this.#out.u8(kinds.joinOver);
    this.#out.varint(slot);
    this.#out.u64(guildId);
  }

  checkpoint(counters: Uint32Array): void {
    if (this.#begin()) writeCheckpoint(this.#out, this.#ports.log.index, counters);
  }

  /** Begins a record; false while the log cannot be written. */
  #begin(): boolean {
    if (!this.#segments.beginRecord()) return false;
    if (this.#isPlanned) return true;
    this.#isPlanned = true;
    this.#ports.soon(() => {
      this.#isPlanned = false;
      this.flush();
    });
    return true;
  }

  #base(topic: GuildTopic): void {
    if (topic.hasShape && !topic.isGone) this.topic(topic);
  }

  /** A session that is cut is made from what was written before; one that joins topics from what it was adopted with. */
  #baseOf(session: Session): void {
    if (session.link === undefined || session.startIndex === undefined || this.#pending.has(session)) return;
    if (this.#begin())
      writeSession(this.#out, this.#ports.log.index, session, { joining: session.joining, pending: [] });
  }

  #putBody({ length, segments }: Body): void {
    this.#out.varint(length);
    for (const { bytes } of segments) this.#out.raw(bytes);
  }

  /** The number of a guild's start, which is put when the segment does not have it yet. */
  #putStart(start: GuildStart): number {
    const { number, isNew } = this.#blobs.numberOf(start);
    if (!isNew) return number;
    this.#begin();
    this.#out.u8(kinds.start);
    this.#out.varint(number);
    this.#out.varint(start.seq);
    writeShape(this.#out, start.shape);
    return number;
  }

  #noLongerPending(session: Session, kind: TopicKind, id: bigint): void {
    const pending = this.#pending.get(session);
    if (pending?.delete(keyOf(kind, id)) && pending.size === 0) this.#pending.delete(session);
  }

  /** What was written before is of no use to others: everything is to be written whole, and soon. */
  #hurry(): void {
    this.#topics?.restart();
    this.#sessions?.restart();
    this.#hurriedUntilMs = this.#ports.clock.monotonicMs() + 2 * basesAfterHoleMs;
  }
}
