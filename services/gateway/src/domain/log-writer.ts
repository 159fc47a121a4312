import type { AttachedTopic, TopicKind } from "./attachment.ts";
import type { Body } from "./body.ts";
import type { EphemeralEvent, GuildShape, TopicEvent } from "./event.ts";
import type { GuildTopic } from "./guild-topic.ts";
import type { GuildJoin, Session } from "./session.ts";

/** Why a session is no longer here. */
export type EndReason = "over" | "handed over";

/** A guild as of one event of it: from here sessions that were cut there go on. */
export interface GuildStart {
  readonly seq: number;
  readonly shape: GuildShape;
  /** Whose sessions may go on from here, with their roles. */
  readonly members: ReadonlyMap<bigint, readonly bigint[]>;
}

/** A topic that a session taken over from another gateway has still to join here. */
export interface PendingTopic {
  readonly kind: TopicKind;
  readonly id: bigint;
  /** The session has had what concerns it up to this seq. */
  readonly progress: number;
  /** The guild as of `progress` or before; undefined for a user topic. Sessions that were cut at the same seq share it. */
  readonly start: GuildStart | undefined;
}

/** What a session has still to do when it comes from another gateway. */
export interface Unfinished {
  readonly pending: readonly PendingTopic[];
  /** Guilds that it was joining. */
  readonly joining: ReadonlyMap<bigint, Pick<GuildJoin, "wasAnnounced">>;
}

/** Which event of a topic a dispatch to one session comes from, while the session has not joined the topic yet. */
export interface OwnOrigin {
  readonly kind: TopicKind;
  readonly topic: bigint;
  readonly seq: number;
}

/**
 * Takes down what goes into the core of a gateway, in the order in which it is applied: from it another gateway makes the
 * same sessions. Only sessions that have begun are spoken of; those before cannot be resumed.
 */
export interface LogWriter {
  /** A guild's topic has started, with the shape that it has now. */
  topic(topic: GuildTopic): void;
  /** A guild's topic is no longer followed. */
  topicEnded(guildId: bigint): void;
  /** An event is about to be applied. */
  event(kind: TopicKind, event: TopicEvent): void;
  ephemeral(kind: TopicKind, event: EphemeralEvent): void;
  begun(session: Session): void;
  adopted(session: Session, unfinished: Unfinished): void;
  attached(session: Session, topic: AttachedTopic): void;
  /** A pending topic will not be joined: the user is no longer in it. */
  left(session: Session, kind: TopicKind, topic: bigint): void;
  cut(session: Session): void;
  relinked(session: Session): void;
  ended(session: Session, reason: EndReason): void;
  /** A dispatch to one session is about to get its record. `isShared`: others get the same body, from the same origin. */
  own(session: Session, body: Body, isShared: boolean, origin: OwnOrigin | undefined): void;
  /** The session began to leave out ephemeral events at that index, or ended it. */
  shed(session: Session, index: number): void;
  joining(session: Session, guildId: bigint, wasAnnounced: boolean): void;
  /** A join has come to its end, whatever that was. */
  joinOver(session: Session, guildId: bigint): void;
  checkpoint(counters: Uint32Array): void;
}

/** For topics that are themselves made from a log: writes nothing. */
export const silentWriter: LogWriter = {
  topic() {},
  topicEnded() {},
  event() {},
  ephemeral() {},
  begun() {},
  adopted() {},
  attached() {},
  left() {},
  cut() {},
  relinked() {},
  ended() {},
  own() {},
  shed() {},
  joining() {},
  joinOver() {},
  checkpoint() {},
};
