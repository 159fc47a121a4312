import type { TopicKind } from "../domain/attachment.ts";
import { noCounter } from "../domain/dispatch-log.ts";
import type { OwnOrigin } from "../domain/log-writer.ts";
import { type ByteReader, unreadable } from "./byte-reader.ts";
import { type Input, kinds, type PendingInput, type SessionInput } from "./input.ts";
import { readShape } from "./shape-bytes.ts";

/** Takes the next record. */
export function readInput(from: ByteReader): Input {
  const kind = from.u8();
  switch (kind) {
    case kinds.topic:
      return { kind: "topic", index: from.varint(), seq: from.varint(), shape: readShape(from) };
    case kinds.topicEnded:
      return { kind: "topic-ended", topic: from.u64() };
    case kinds.guildEvent:
      return { kind: "event", of: "guild", index: from.varint(), topic: from.u64(), encoded: from.bytes() };
    case kinds.userEvent:
      return { kind: "event", of: "user", index: from.varint(), topic: from.u64(), encoded: from.bytes() };
    case kinds.guildEphemeral:
      return { kind: "ephemeral", of: "guild", index: from.varint(), topic: from.u64(), encoded: from.bytes() };
    case kinds.userEphemeral:
      return { kind: "ephemeral", of: "user", index: from.varint(), topic: from.u64(), encoded: from.bytes() };
    case kinds.body:
      return { kind: "body", number: from.varint(), origin: readOrigin(from), bytes: from.bytes() };
    case kinds.start:
      return { kind: "start", number: from.varint(), seq: from.varint(), shape: readShape(from) };
    case kinds.checkpoint:
      return { kind: "checkpoint", index: from.varint(), counters: readCounters(from) };
    case kinds.hole:
      return { kind: "hole" };
    default:
      return readOfSession(kind, from);
  }
}

/** The records that begin with a session's slot. */
function readOfSession(kind: number, from: ByteReader): Input {
  const slot = from.varint();
  switch (kind) {
    case kinds.session:
      return readSession(slot, from);
    case kinds.attached:
      return { kind: "attached", slot, of: readKind(from), ...readAttached(from) };
    case kinds.left:
      return { kind: "left", slot, of: readKind(from), topic: from.u64() };
    case kinds.cut:
      return { kind: "cut", slot, index: from.varint(), s: from.varint() };
    case kinds.relinked:
      return { kind: "relinked", slot, index: from.varint(), s: from.varint() };
    case kinds.ended:
      return { kind: "ended", slot, reason: from.u8() === 1 ? "handed over" : "over" };
    case kinds.own:
      return { kind: "own", slot, index: from.varint(), origin: readOrigin(from), body: from.bytes() };
    case kinds.ownShared:
      return { kind: "own", slot, index: from.varint(), origin: undefined, body: from.varint() };
    case kinds.shed:
      return { kind: "shed", slot, index: from.varint() };
    case kinds.joining:
      return { kind: "joining", slot, guildId: from.u64(), wasAnnounced: from.u8() === 1 };
    case kinds.joinOver:
      return { kind: "join-over", slot, guildId: from.u64() };
    default:
      throw unreadable(`its kind is ${kind}`);
  }
}

function readAttached(from: ByteReader) {
  return { index: from.varint(), topic: from.u64(), seq: from.varint(), roleIds: from.ids() };
}

function readOrigin(from: ByteReader): OwnOrigin | undefined {
  const hasOrigin = from.u8() === 1;
  return hasOrigin ? { kind: readKind(from), topic: from.u64(), seq: from.varint() } : undefined;
}

function readSession(slot: number, from: ByteReader): SessionInput {
  const index = from.varint();
  const seed = {
    slot,
    id: from.latin1(),
    userId: from.u64(),
    tokenHash: from.latin1(),
    profile: readProfile(from),
    shardId: from.varint(),
    shardCount: from.varint(),
    largeThreshold: from.varint(),
    generation: from.varint(),
  };
  const s = from.varint();
  const isShedding = from.u8() === 1;
  const userSeq = from.varint();
  return {
    kind: "session",
    index,
    seed,
    s,
    isShedding,
    userSeq: userSeq === 0 ? undefined : userSeq - 1,
    guilds: from.list(() => ({ id: from.u64(), roleIds: from.ids() })),
    joining: from.list(() => ({ guildId: from.u64(), wasAnnounced: from.u8() === 1 })),
    pending: from.list(() => readPending(from)),
  };
}

function readProfile(from: ByteReader) {
  const flags = from.u8();
  return { isBot: (flags & 1) !== 0, seesContent: (flags & 2) !== 0, intents: from.u32() | 0 };
}

function readPending(from: ByteReader): PendingInput {
  return {
    kind: readKind(from),
    id: from.u64(),
    progress: from.varint(),
    start: from.varint(),
    roleIds: from.ids(),
  };
}

function readCounters(from: ByteReader): Uint32Array {
  const counters = new Uint32Array(from.varint());
  // 0 stands for none, so that idle slots take a byte.
  for (let slot = 0; slot < counters.length; slot++) counters[slot] = from.varint() - 1;
  return counters;
}

function readKind(from: ByteReader): TopicKind {
  return from.u8() === 1 ? "user" : "guild";
}

/** How a counter is put: see `readCounters`. */
export function counterAsPut(counter: number): number {
  return counter === noCounter ? 0 : counter + 1;
}
