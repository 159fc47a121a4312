import type { GuildShape } from "@guildhall/visibility";
import type { TopicKind } from "../domain/attachment.ts";
import type { EndReason, OwnOrigin } from "../domain/log-writer.ts";
import type { SessionSeed } from "../domain/session.ts";

/*
 * The inputs of a gateway's core, as its session log holds them. `index` is the dispatch log's when the input was applied.
 * Sessions go by their slot: which session has it is said when it begins, and again every so often.
 *
 *   file     header (30 bytes: magic, version, tag, number, time, CRC), then blocks
 *   block    length of the payload (u32), CRC-32 of the payload (u32), payload
 *   payload  time (Unix ms, f64), then records, each a kind (u8) and its fields
 *
 * A block is what one turn of the event loop wrote. It counts whole or not at all, so that what belongs together (a session
 * joins a guild, and is told so) is never torn.
 */

/** The numbers of the kinds of records. They stay what they are; new ones are added. */
export const kinds = {
  topic: 1,
  topicEnded: 2,
  guildEvent: 3,
  userEvent: 4,
  guildEphemeral: 5,
  userEphemeral: 6,
  session: 7,
  attached: 8,
  left: 9,
  cut: 10,
  relinked: 11,
  ended: 12,
  body: 13,
  start: 14,
  own: 15,
  ownShared: 16,
  shed: 17,
  joining: 18,
  joinOver: 19,
  checkpoint: 20,
  hole: 21,
} as const;

/** A topic that a session has still to join, with the number of the record that holds its start. */
export interface PendingInput {
  readonly kind: TopicKind;
  readonly id: bigint;
  readonly progress: number;
  /** Of a guild; 0 = none. */
  readonly start: number;
  /** As of the start. */
  readonly roleIds: readonly bigint[];
}

/** All there is to know of a session at one moment. */
export interface SessionInput {
  readonly kind: "session";
  readonly index: number;
  /** Without `slot` of its own: that is `slot`. */
  readonly seed: SessionSeed;
  readonly s: number;
  readonly isShedding: boolean;
  /** The seq of its user topic; undefined while that is pending. */
  readonly userSeq: number | undefined;
  readonly guilds: readonly { readonly id: bigint; readonly roleIds: readonly bigint[] }[];
  readonly joining: readonly { readonly guildId: bigint; readonly wasAnnounced: boolean }[];
  readonly pending: readonly PendingInput[];
}

/** An event, or an ephemeral one, as it came. */
export interface EventInput {
  readonly of: TopicKind;
  readonly index: number;
  readonly topic: bigint;
  readonly encoded: Uint8Array;
}

/** A guild, whole. */
export interface TopicInput {
  readonly index: number;
  readonly seq: number;
  readonly shape: GuildShape;
}

/** One record of a session log. */
export type Input =
  | (TopicInput & { readonly kind: "topic" })
  | { readonly kind: "topic-ended"; readonly topic: bigint }
  | (EventInput & { readonly kind: "event" })
  | (EventInput & { readonly kind: "ephemeral" })
  | SessionInput
  | {
      readonly kind: "attached";
      readonly slot: number;
      readonly of: TopicKind;
      readonly index: number;
      readonly topic: bigint;
      /** The topic's, then. */
      readonly seq: number;
      readonly roleIds: readonly bigint[];
    }
  | { readonly kind: "left"; readonly slot: number; readonly of: TopicKind; readonly topic: bigint }
  | { readonly kind: "cut" | "relinked"; readonly slot: number; readonly index: number; readonly s: number }
  | { readonly kind: "ended"; readonly slot: number; readonly reason: EndReason }
  /** A body that many sessions get one by one, and where it comes from. */
  | {
      readonly kind: "body";
      readonly number: number;
      readonly origin: OwnOrigin | undefined;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "start"; readonly number: number; readonly seq: number; readonly shape: GuildShape }
  | {
      readonly kind: "own";
      readonly slot: number;
      readonly index: number;
      /** The body, or the number of the record that holds it and its origin. */
      readonly body: Uint8Array | number;
      readonly origin: OwnOrigin | undefined;
    }
  | { readonly kind: "shed"; readonly slot: number; readonly index: number }
  | { readonly kind: "joining"; readonly slot: number; readonly guildId: bigint; readonly wasAnnounced: boolean }
  | { readonly kind: "join-over"; readonly slot: number; readonly guildId: bigint }
  | { readonly kind: "checkpoint"; readonly index: number; readonly counters: Uint32Array }
  /** Something before this is missing: nothing may be made of both sides of it. */
  | { readonly kind: "hole" };

/** How a topic is told apart from those of the other kind. */
export function keyOf(kind: TopicKind, id: bigint): string {
  return `${kind} ${id}`;
}
