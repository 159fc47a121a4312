import { makeVisibility, type View, type ViewChange, type Visibility } from "@guildhall/visibility";
import { type AttachedTopic, type Attachment, lasting, Member, takeOut, withItem } from "./attachment.ts";
import { bodyFor, bodyForAll, reachesMember, reachesView } from "./audience.ts";
import { Deque } from "./deque.ts";
import type { DispatchLog, LogRecord } from "./dispatch-log.ts";
import type { Dispatch, EphemeralEvent, GuildShape, TopicChange, TopicEvent } from "./event.ts";
import type { LogWriter } from "./log-writer.ts";
import { type Listeners, Roster } from "./roster.ts";
import type { Session } from "./session.ts";

/** What a guild topic needs of its process. */
export interface GuildTopicPorts {
  readonly log: DispatchLog;
  readonly writer: LogWriter;
  nowMs(): number;
  /** A session has left the topic, because its member or the guild is gone. */
  onLeft(session: Session): void;
  /** The guild is gone; the topic has no sessions any more. */
  onGone(): void;
}

// Users whose roles changed lately are remembered for joins under way, up to this many; beyond, those joins ask again.
const maxTouched = 4_096;

/** A guild as this process knows it: who is connected, what each sees, and what was dispatched. */
export class GuildTopic implements AttachedTopic {
  readonly kind = "guild";
  readonly guildId: bigint;
  readonly records = new Deque<LogRecord>();
  droppedSeq = 0;
  readonly #ports: GuildTopicPorts;
  readonly #roster = new Roster();
  readonly #members = new Map<bigint, Member>();
  readonly #touched = new Map<bigint, number>();
  #visibility: Visibility | undefined;
  #seq = 0;
  #shapedSeq = 0;
  #isGone = false;

  constructor(guildId: bigint, ports: GuildTopicPorts) {
    this.guildId = guildId;
    this.#ports = ports;
  }

  /** Takes the guild's shape as of `seq`; events after it are to follow. */
  start(shape: GuildShape, seq: number): void {
    this.#visibility = makeVisibility(shape);
    this.#seq = seq;
    this.#shapedSeq = seq;
    this.droppedSeq = Math.max(this.droppedSeq, seq);
    this.#ports.writer.topic(this);
  }

  get id(): bigint {
    return this.guildId;
  }

  get seq(): number {
    return this.#seq;
  }

  /** All that decides who sees what, as of `seq`. */
  shape(): GuildShape {
    const { guildId, ownerId, roles, channels } = this.#visibility as Visibility;
    return { guildId, ownerId, roles: [...roles.values()], channels: [...channels.values()] };
  }

  rolesOf(userId: bigint): readonly bigint[] {
    return this.#visibility?.rolesOfTracked(userId) ?? [];
  }

  /** Users with sessions here, cut ones included. */
  userIds(): IterableIterator<bigint> {
    return this.#members.keys();
  }

  get hasShape(): boolean {
    return this.#visibility !== undefined;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Members with sessions here, cut ones included. */
  get memberCount(): number {
    return this.#members.size;
  }

  get viewCount(): number {
    return this.#visibility?.viewCount() ?? 0;
  }

  member(userId: bigint): Member | undefined {
    return this.#members.get(userId);
  }

  /** Whether what a user sees may have become another since `seq`. */
  hasChangedFor(userId: bigint, seq: number): boolean {
    return this.#shapedSeq > seq || (this.#touched.get(userId) ?? 0) > seq;
  }

  /** Forgets which users changed: no join is under way. */
  forgetTouched(): void {
    this.#touched.clear();
  }

  /** Begins to send the topic's events to a session, from the next one on. `roleIds` count if the user has no session here yet. */
  attach(session: Session, roleIds: readonly bigint[]): Attachment {
    const member = this.#members.get(session.userId) ?? this.#track(session.userId, roleIds);
    const attachment: Attachment = {
      session,
      topic: this,
      member,
      from: this.#ports.log.index,
      to: lasting,
      listeners: undefined,
      place: 0,
    };
    member.attachments = withItem(member.attachments, attachment);
    session.attachments = withItem(session.attachments, attachment);
    if (session.link !== undefined) this.#roster.add(attachment, member.view);
    if (session.startIndex !== undefined) this.#ports.writer.attached(session, this);
    return attachment;
  }

  /** Ends an attachment; the member is forgotten with its last one. */
  detach(attachment: Attachment): void {
    const { member } = attachment;
    if (member === undefined || attachment.to !== lasting) return;
    attachment.to = this.#ports.log.index;
    this.#roster.remove(attachment);
    takeOut(member.attachments, attachment);
    if (member.attachments.length > 0 || this.#members.get(member.userId) !== member) return;
    this.#members.delete(member.userId);
    this.#visibility?.untrack(member.userId);
  }

  link(attachment: Attachment): void {
    if (attachment.listeners === undefined) this.#roster.add(attachment, (attachment.member as Member).view);
  }

  cut(attachment: Attachment): void {
    this.#roster.remove(attachment);
  }

  /** Makes an event's changes, then sends its dispatches. */
  apply(event: TopicEvent): void {
    this.#ports.writer.event(this.kind, event);
    const eventIndex = this.#ports.log.beginEvent();
    this.#seq = event.seq;
    const changed = this.#change(event, eventIndex);
    const gone = event.changes.filter(({ kind }) => kind === "member-gone");
    for (const dispatch of event.dispatches) {
      // Who is gone by this event hears what is said to them first, and nothing of what the others are told.
      if (dispatch.audience.kind !== "users") for (const change of gone.splice(0)) this.#leave(change);
      this.#deliver(this.#append(dispatch, eventIndex, false), changed);
    }
    for (const change of event.changes) this.#leave(change);
  }

  /** Sends what is not journaled, by the views in force. */
  applyEphemeral(event: EphemeralEvent): void {
    const { dispatch } = event;
    this.#ports.writer.ephemeral(this.kind, event);
    const eventIndex = this.#ports.log.beginEvent();
    this.#deliver(this.#append(dispatch, eventIndex, true), new Map());
  }

  /** Every session leaves, without a word. */
  detachAll(): Session[] {
    const sessions: Session[] = [];
    for (const member of [...this.#members.values()]) {
      for (const attachment of [...member.attachments]) {
        sessions.push(attachment.session);
        this.detach(attachment);
      }
    }
    return sessions;
  }

  #track(userId: bigint, roleIds: readonly bigint[]): Member {
    const view = (this.#visibility as Visibility).track(userId, roleIds);
    const member = new Member(userId, view);
    this.#members.set(userId, member);
    return member;
  }

  #append(dispatch: Dispatch, eventIndex: number, isEphemeral: boolean): LogRecord {
    return this.#ports.log.append(this, { eventIndex, seq: this.#seq, dispatch, isEphemeral }, this.#ports.nowMs());
  }

  /** Makes the changes; returns the views that the members concerned had before. */
  #change(event: TopicEvent, eventIndex: number): Map<Member, View> {
    const before = new Map<Member, View>();
    const note = ({ userId }: ViewChange): void => {
      const member = this.#members.get(userId);
      if (member !== undefined && !before.has(member)) before.set(member, member.view);
    };
    for (const change of event.changes) {
      if (change.kind === "member-roles") {
        this.#touch(change.userId, event.seq);
        const moved = this.#visibility?.setRoles(change.userId, change.roleIds);
        if (moved !== undefined) note(moved);
      } else if (change.kind === "member-gone" || change.kind === "guild-gone") {
        if (change.kind === "member-gone") this.#touch(change.userId, event.seq);
      } else {
        this.#shapedSeq = event.seq;
        this.#visibility?.apply(change).forEach(note);
      }
    }
    for (const [member, view] of before) {
      const after = this.#visibility?.viewOfTracked(member.userId) ?? view;
      if (after === view) before.delete(member);
      else this.#regroup(member, eventIndex, after);
    }
    return before;
  }

  #touch(userId: bigint, seq: number): void {
    if (this.#touched.size >= maxTouched) this.#shapedSeq = seq;
    else this.#touched.set(userId, seq);
  }

  #regroup(member: Member, eventIndex: number, after: View): void {
    member.changeView(eventIndex, after, this.#ports.log.floor);
    for (const attachment of member.attachments) {
      if (attachment.listeners === undefined) continue;
      this.#roster.remove(attachment);
      this.#roster.add(attachment, after);
    }
  }

  #deliver(record: LogRecord, changed: ReadonlyMap<Member, View>): void {
    const { audience } = record.dispatch;
    const { writer } = this.#ports;
    switch (audience.kind) {
      case "users":
        for (const id of audience.ids) {
          const member = this.#members.get(id);
          if (member !== undefined) toMember(member, record, writer);
        }
        return;
      case "gained":
      case "lost":
        for (const [member, before] of changed) {
          if (reachesMember(audience, member.userId, before, member.view)) toMember(member, record, writer);
        }
        return;
      default:
        for (const [view, lists] of this.#roster.views()) {
          if (reachesView(audience, view)) for (const listeners of lists) toListeners(listeners, record, writer);
        }
    }
  }

  /** After an event: those who left by it leave the topic. */
  #leave(change: TopicChange): void {
    if (change.kind === "member-gone") {
      for (const attachment of [...(this.#members.get(change.userId)?.attachments ?? [])]) {
        this.detach(attachment);
        this.#ports.onLeft(attachment.session);
      }
    } else if (change.kind === "guild-gone") {
      this.#isGone = true;
      for (const session of this.detachAll()) this.#ports.onLeft(session);
      this.#ports.onGone();
    }
  }
}

function toListeners({ profile, live }: Listeners, record: LogRecord, writer: LogWriter): void {
  const body = bodyForAll(record.dispatch, profile);
  if (body === undefined) return;
  if (body === "by user") {
    for (const { session } of live) toSession(session, record, writer);
  } else if (record.isEphemeral) {
    for (const { session } of live) session.deliverEphemeral(body, record.index, writer);
  } else {
    for (const { session } of live) session.deliver(body);
  }
}

function toMember(member: Member, record: LogRecord, writer: LogWriter): void {
  for (const { session, listeners } of member.attachments) {
    if (listeners !== undefined) toSession(session, record, writer);
  }
}

function toSession(session: Session, record: LogRecord, writer: LogWriter): void {
  const body = bodyFor(record.dispatch, session.profile, session.userId);
  if (body === undefined) return;
  if (record.isEphemeral) session.deliverEphemeral(body, record.index, writer);
  else session.deliver(body);
}
