import type { AttachedTopic, TopicKind } from "../domain/attachment.ts";
import { lasting } from "../domain/attachment.ts";
import type { EndReason, OwnOrigin, Unfinished } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { kinds, type PendingInput } from "./input.ts";
import { counterAsPut } from "./read-input.ts";

/** Puts an event, or an ephemeral one. */
export function writeEvent(
  out: ByteWriter,
  kind: number,
  index: number,
  { topic, encoded }: { readonly topic: bigint; readonly encoded: Uint8Array },
): void {
  out.u8(kind);
  out.varint(index);
  out.u64(topic);
  out.bytes(encoded);
}

/** What a session has still to do. */
export interface UnfinishedInput {
  readonly joining: Unfinished["joining"] | undefined;
  readonly pending: readonly PendingInput[];
}

/** Puts all there is to know of a session that has begun. */
export function writeSession(
  out: ByteWriter,
  index: number,
  session: Session,
  { joining, pending }: UnfinishedInput,
): void {
  const { profile, attachments } = session;
  out.u8(kinds.session);
  out.varint(session.slot);
  out.varint(index);
  out.latin1(session.id);
  out.u64(session.userId);
  out.latin1(session.tokenHash);
  out.u8((profile.isBot ? 1 : 0) | (profile.seesContent ? 2 : 0));
  out.u32(profile.intents >>> 0);
  for (const part of [session.shardId, session.shardCount, session.largeThreshold, session.generation])
    out.varint(part);
  out.varint(session.s);
  out.u8(session.isShedding ? 1 : 0);
  const present = attachments.filter(({ to }) => to === lasting);
  const user = present.find(({ topic }) => topic.kind === "user");
  out.varint(user === undefined ? 0 : user.topic.seq + 1);
  const guilds = present.filter(({ topic }) => topic.kind === "guild");
  out.varint(guilds.length);
  for (const { topic } of guilds) {
    out.u64(topic.id);
    out.ids(topic.rolesOf(session.userId));
  }
  out.varint(joining?.size ?? 0);
  for (const [guildId, { wasAnnounced }] of joining ?? []) {
    out.u64(guildId);
    out.u8(wasAnnounced ? 1 : 0);
  }
  out.varint(pending.length);
  for (const each of pending) writePending(out, each);
}

function writePending(out: ByteWriter, { kind, id, progress, start, roleIds }: PendingInput): void {
  writeKind(out, kind);
  out.u64(id);
  out.varint(progress);
  out.varint(start);
  out.ids(roleIds);
}

/** Puts that a session joined a topic. */
export function writeAttached(out: ByteWriter, index: number, session: Session, topic: AttachedTopic): void {
  out.u8(kinds.attached);
  out.varint(session.slot);
  writeKind(out, topic.kind);
  out.varint(index);
  out.u64(topic.id);
  out.varint(topic.seq);
  out.ids(topic.rolesOf(session.userId));
}

/** Puts that a session will not join a topic. */
export function writeLeft(out: ByteWriter, session: Session, kind: TopicKind, topic: bigint): void {
  out.u8(kinds.left);
  out.varint(session.slot);
  writeKind(out, kind);
  out.u64(topic);
}

/** Puts that a session lost its client, or has one again. */
export function writeLink(out: ByteWriter, kind: number, index: number, { slot, s }: Session): void {
  out.u8(kind);
  out.varint(slot);
  out.varint(index);
  out.varint(s);
}

/** Puts the end of a session. */
export function writeEnded(out: ByteWriter, { slot }: Session, reason: EndReason): void {
  out.u8(kinds.ended);
  out.varint(slot);
  out.u8(reason === "handed over" ? 1 : 0);
}

/** Puts the head of a dispatch to one session; what it is is to follow. */
export function writeOwn(out: ByteWriter, kind: number, index: number, { slot }: Session): void {
  out.u8(kind);
  out.varint(slot);
  out.varint(index);
}

/** Puts where a dispatch comes from. */
export function writeOrigin(out: ByteWriter, origin: OwnOrigin | undefined): void {
  out.u8(origin === undefined ? 0 : 1);
  if (origin === undefined) return;
  writeKind(out, origin.kind);
  out.u64(origin.topic);
  out.varint(origin.seq);
}

/** Puts the counters of all sessions. */
export function writeCheckpoint(out: ByteWriter, index: number, counters: Uint32Array): void {
  out.u8(kinds.checkpoint);
  out.varint(index);
  out.varint(counters.length);
  for (const counter of counters) out.varint(counterAsPut(counter));
}

function writeKind(out: ByteWriter, kind: TopicKind): void {
  out.u8(kind === "user" ? 1 : 0);
}
