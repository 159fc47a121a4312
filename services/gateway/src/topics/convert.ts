import {
  type Audience as ProtoAudience,
  type ChannelShape as ProtoChannelShape,
  type Dispatch as ProtoDispatch,
  EphemeralEvent as ProtoEphemeralEvent,
  Event as ProtoEvent,
  type GuildShape as ProtoGuildShape,
  type ShapeChange as ProtoShapeChange,
  type UserChange as ProtoUserChange,
} from "@guildhall/proto";
import type { ChannelShape, GuildShape } from "@guildhall/visibility";
import { sharedBody } from "../dispatch/render.ts";
import type { Audience, Dispatch, EphemeralEvent, TopicChange, TopicEvent, UserChange } from "../domain/event.ts";

/** Reads a durable event off the wire and renders its dispatches, once for all sessions. */
export function readEvent(bytes: Uint8Array): TopicEvent {
  const event = ProtoEvent.decode(bytes);
  return {
    topic: event.topic,
    epoch: event.epoch,
    seq: Number(event.seq),
    changes: event.changes.flatMap(convertChange),
    userChanges: event.userChanges.flatMap(convertUserChange),
    dispatches: event.dispatches.map(convertDispatch),
    traceparent: event.traceparent,
    encoded: bytes,
  };
}

/** Reads an ephemeral event off the wire; undefined when it holds nothing. */
export function readEphemeral(bytes: Uint8Array): EphemeralEvent | undefined {
  const { topic, asOf, dispatch } = ProtoEphemeralEvent.decode(bytes);
  return dispatch && { topic, asOf: Number(asOf), dispatch: convertDispatch(dispatch), encoded: bytes };
}

/** A guild's shape as `@guildhall/visibility` takes it. */
export function convertShape({ guildId, ownerId, roles, channels }: ProtoGuildShape): GuildShape {
  return { guildId, ownerId, roles, channels: channels.map(convertChannel) };
}

function convertDispatch(dispatch: ProtoDispatch): Dispatch {
  const { type, data, gatedData, ungatedUsers, halfGatedData, halfGatedUsers, intentExemptUsers, content } = dispatch;
  return {
    type,
    audience: convertAudience(dispatch.audience),
    intents: Number(dispatch.intents),
    body: sharedBody(type, data),
    gatedBody: gatedData.length > 0 ? sharedBody(type, gatedData) : undefined,
    ungatedUsers,
    halfGatedBody: halfGatedData.length > 0 ? sharedBody(type, halfGatedData) : undefined,
    halfGatedUsers,
    exemptUsers: intentExemptUsers,
    isContent: content,
  };
}

/** An audience that is missing, or of a kind not known here, is nobody. */
function convertAudience(audience: ProtoAudience | undefined): Audience {
  const of = audience?.of;
  switch (of?.$case) {
    case "everyone":
      return { kind: "everyone" };
    case "users":
      return { kind: "users", ids: of.value.ids };
    case "guildPermission":
      return { kind: "guild", permission: of.value };
    case "channel":
      return { kind: "channel", channelId: of.value.channelId, permission: of.value.permission };
    case "gainedChannel":
      return { kind: "gained", channelId: of.value };
    case "lostChannel":
      return { kind: "lost", channelId: of.value };
    case undefined:
      return { kind: "users", ids: [] };
    default:
      return of satisfies never;
  }
}

function convertChange({ of }: ProtoShapeChange): TopicChange[] {
  switch (of?.$case) {
    case "rolePut":
      return [{ kind: "role-put", role: of.value }];
    case "roleDelete":
      return [{ kind: "role-delete", id: of.value }];
    case "channelPut":
      return [{ kind: "channel-put", channel: convertChannel(of.value) }];
    case "channelDelete":
      return [{ kind: "channel-delete", id: of.value }];
    case "memberRoles":
      return [{ kind: "member-roles", userId: of.value.userId, roleIds: of.value.roleIds }];
    case "memberGone":
      return [{ kind: "member-gone", userId: of.value }];
    case "owner":
      return [{ kind: "owner", userId: of.value }];
    case "guildGone":
      return [{ kind: "guild-gone" }];
    case undefined:
      return [];
    default:
      return of satisfies never;
  }
}

function convertUserChange({ of }: ProtoUserChange): UserChange[] {
  switch (of?.$case) {
    case "guildJoined":
      return [{ kind: "guild-joined", guildId: of.value }];
    case "guildLeft":
      return [{ kind: "guild-left", guildId: of.value }];
    case "tokenRevoked":
      return [{ kind: "token-revoked", tokenHash: of.value.tokenHash.toString("latin1") }];
    case undefined:
      return [];
    default:
      return of satisfies never;
  }
}

function convertChannel({ id, type, parentId, overwrites }: ProtoChannelShape): ChannelShape {
  return {
    id,
    type,
    parentId,
    overwrites: overwrites.map(({ id: target, type: kind, allow, deny }) => ({
      id: target,
      kind: kind === 1 ? "member" : "role",
      allow,
      deny,
    })),
  };
}
