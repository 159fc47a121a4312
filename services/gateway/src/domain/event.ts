import type { GuildShape, ShapeChange } from "@guildhall/visibility";
import type { Body } from "./body.ts";

/** Whom a dispatch reaches, before intents. */
export type Audience =
  | { readonly kind: "everyone" }
  | { readonly kind: "users"; readonly ids: readonly bigint[] }
  | { readonly kind: "guild"; readonly permission: bigint }
  | { readonly kind: "channel"; readonly channelId: bigint; readonly permission: bigint }
  | { readonly kind: "gained"; readonly channelId: bigint }
  | { readonly kind: "lost"; readonly channelId: bigint };

/** One frame's worth, encoded once. */
export interface Dispatch {
  readonly type: string;
  readonly audience: Audience;
  /** A session needs one of these intents; 0 = none. */
  readonly intents: number;
  readonly body: Body;
  /** For sessions without message content; absent = the same as `body`. */
  readonly gatedBody: Body | undefined;
  /** Users who get `body` although their session has no message content. */
  readonly ungatedUsers: readonly bigint[];
  /** For `halfGatedUsers` without message content: of a reply, all but what it replies to. */
  readonly halfGatedBody: Body | undefined;
  readonly halfGatedUsers: readonly bigint[];
  /** Users who get it whatever their intents. */
  readonly exemptUsers: readonly bigint[];
  /** Messages and reactions: no part of a guild's state. */
  readonly isContent: boolean;
}

/** What an event changes, besides what clients are told. */
export type TopicChange =
  | ShapeChange
  | { readonly kind: "member-roles"; readonly userId: bigint; readonly roleIds: readonly bigint[] }
  | { readonly kind: "member-gone"; readonly userId: bigint }
  | { readonly kind: "guild-gone" };

/** What a user topic's event changes. An empty `tokenHash` stands for all tokens. */
export type UserChange =
  | { readonly kind: "guild-joined"; readonly guildId: bigint }
  | { readonly kind: "guild-left"; readonly guildId: bigint }
  | { readonly kind: "token-revoked"; readonly tokenHash: string };

/** One durable event. `seq` counts by one within the topic. */
export interface TopicEvent {
  readonly topic: bigint;
  readonly epoch: number;
  readonly seq: number;
  readonly changes: readonly TopicChange[];
  readonly userChanges: readonly UserChange[];
  readonly dispatches: readonly Dispatch[];
  /** Of the trace that the event belongs to; "" = none. */
  readonly traceparent: string;
  /** The event as it came, for the log that outlives the process. */
  readonly encoded: Uint8Array;
}

/** Typing and its kin; waits until the topic has reached `asOf`. */
export interface EphemeralEvent {
  readonly topic: bigint;
  readonly asOf: number;
  readonly dispatch: Dispatch;
  /** As it came. */
  readonly encoded: Uint8Array;
}

export type { GuildShape };
