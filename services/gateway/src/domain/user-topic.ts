import { type AttachedTopic, type Attachment, lasting, takeOut, withItem } from "./attachment.ts";
import { bodyFor } from "./audience.ts";
import { Deque } from "./deque.ts";
import type { DispatchLog, LogRecord } from "./dispatch-log.ts";
import type { EphemeralEvent, TopicEvent, UserChange } from "./event.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Session } from "./session.ts";

/** What a user topic needs of its process. */
export interface UserTopicPorts {
  readonly log: DispatchLog;
  readonly writer: LogWriter;
  nowMs(): number;
  onChange(topic: UserTopic, change: UserChange): void;
}

/** An account as this process knows it: its sessions, and what was dispatched to all of them. */
export class UserTopic implements AttachedTopic {
  readonly userId: bigint;
  readonly records = new Deque<LogRecord>();
  droppedSeq = 0;
  seq = 0;
  readonly #ports: UserTopicPorts;
  #attachments: Attachment[] = [];

  constructor(userId: bigint, ports: UserTopicPorts) {
    this.userId = userId;
    this.#ports = ports;
  }

  /** Begins after `seq`. */
  start(seq: number): void {
    this.seq = seq;
  }

  get kind(): "user" {
    return "user";
  }

  get id(): bigint {
    return this.userId;
  }

  rolesOf(): readonly bigint[] {
    return [];
  }

  /** The sessions of the account here, cut ones included. */
  sessions(): Session[] {
    return this.#attachments.map(({ session }) => session);
  }

  get sessionCount(): number {
    return this.#attachments.length;
  }

  attach(session: Session): Attachment {
    const attachment: Attachment = {
      session,
      topic: this,
      member: undefined,
      from: this.#ports.log.index,
      to: lasting,
      listeners: undefined,
      place: 0,
    };
    this.#attachments = withItem(this.#attachments, attachment);
    session.attachments = withItem(session.attachments, attachment);
    if (session.startIndex !== undefined) this.#ports.writer.attached(session, this);
    return attachment;
  }

  detach(attachment: Attachment): void {
    if (attachment.to !== lasting) return;
    attachment.to = this.#ports.log.index;
    takeOut(this.#attachments, attachment);
  }

  // Sessions are few here: whether they have a link is asked at each event.
  link(): void {}
  cut(): void {}

  /** Sends an event's dispatches, then tells of its changes. */
  apply(event: TopicEvent): void {
    this.#ports.writer.event(this.kind, event);
    this.seq = event.seq;
    const eventIndex = this.#ports.log.beginEvent();
    for (const dispatch of event.dispatches) {
      const record = { eventIndex, seq: event.seq, dispatch, isEphemeral: false };
      this.#deliver(this.#ports.log.append(this, record, this.#ports.nowMs()));
    }
    for (const change of event.userChanges) this.#ports.onChange(this, change);
  }

  applyEphemeral(event: EphemeralEvent): void {
    const { asOf, dispatch } = event;
    this.#ports.writer.ephemeral(this.kind, event);
    const eventIndex = this.#ports.log.beginEvent();
    const record = { eventIndex, seq: asOf, dispatch, isEphemeral: true };
    this.#deliver(this.#ports.log.append(this, record, this.#ports.nowMs()));
  }

  #deliver(record: LogRecord): void {
    for (const { session } of this.#attachments) {
      if (session.link === undefined || !session.isFirstShard) continue;
      const body = bodyFor(record.dispatch, session.profile, session.userId);
      if (body === undefined) continue;
      if (record.isEphemeral) session.deliverEphemeral(body, record.index, this.#ports.writer);
      else session.deliver(body);
    }
  }
}
