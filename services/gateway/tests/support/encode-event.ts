import {
  type Audience as ProtoAudience,
  type Dispatch as ProtoDispatch,
  EphemeralEvent as ProtoEphemeralEvent,
  Event as ProtoEvent,
  type ShapeChange as ProtoShapeChange,
  type UserChange as ProtoUserChange,
} from "@guildhall/proto";
import type { Body } from "../../src/domain/body.ts";
import type {
  Audience,
  Dispatch,
  EphemeralEvent,
  TopicChange,
  TopicEvent,
  UserChange,
} from "../../src/domain/event.ts";

/** The bytes of an event, as a host would send it. Each dispatch's type is "TEST". */
export function encodeEvent(event: Omit<TopicEvent, "encoded">): Uint8Array {
  return ProtoEvent.encode({
    ...event,
    seq: BigInt(event.seq),
    dispatches: event.dispatches.map(protoDispatch),
    changes: event.changes.map(protoChange),
    userChanges: event.userChanges.map(protoUserChange),
  }).finish();
}

/** The bytes of an ephemeral event. */
export function encodeEphemeral({ topic, asOf, dispatch }: Omit<EphemeralEvent, "encoded">): Uint8Array {
  return ProtoEphemeralEvent.encode({ topic, asOf: BigInt(asOf), dispatch: protoDispatch(dispatch) }).finish();
}

/** The `d` in a body that a test has named. */
export function dataOf(body: Body | undefined): string {
  const text = (body?.segments ?? []).map(({ bytes }) => Buffer.from(bytes).toString()).join("");
  return text.replace(/^"t":"TEST","d":/, "").replace(/}$/, "");
}

function protoDispatch(dispatch: Dispatch): ProtoDispatch {
  const { audience, intents, body, gatedBody, halfGatedBody } = dispatch;
  return {
    type: "TEST",
    audience: protoAudience(audience),
    intents: BigInt(intents),
    data: Buffer.from(dataOf(body)),
    gatedData: Buffer.from(dataOf(gatedBody)),
    ungatedUsers: [...dispatch.ungatedUsers],
    halfGatedData: Buffer.from(dataOf(halfGatedBody)),
    halfGatedUsers: [...dispatch.halfGatedUsers],
    intentExemptUsers: [...dispatch.exemptUsers],
    content: dispatch.isContent,
  };
}

function protoAudience(audience: Audience): ProtoAudience {
  switch (audience.kind) {
    case "everyone":
      return { of: { $case: "everyone", value: {} } };
    case "users":
      return { of: { $case: "users", value: { ids: [...audience.ids] } } };
    case "guild":
      return { of: { $case: "guildPermission", value: audience.permission } };
    case "channel":
      return { of: { $case: "channel", value: audience } };
    case "gained":
      return { of: { $case: "gainedChannel", value: audience.channelId } };
    case "lost":
      return { of: { $case: "lostChannel", value: audience.channelId } };
    default:
      return audience satisfies never;
  }
}

function protoChange(change: TopicChange): ProtoShapeChange {
  switch (change.kind) {
    case "role-put":
      return { of: { $case: "rolePut", value: change.role } };
    case "role-delete":
      return { of: { $case: "roleDelete", value: change.id } };
    case "channel-put": {
      const overwrites = change.channel.overwrites.map(({ kind, ...rest }) => ({
        ...rest,
        type: kind === "member" ? 1 : 0,
      }));
      return { of: { $case: "channelPut", value: { ...change.channel, overwrites } } };
    }
    case "channel-delete":
      return { of: { $case: "channelDelete", value: change.id } };
    case "member-roles":
      return { of: { $case: "memberRoles", value: { userId: change.userId, roleIds: [...change.roleIds] } } };
    case "member-gone":
      return { of: { $case: "memberGone", value: change.userId } };
    case "owner":
      return { of: { $case: "owner", value: change.userId } };
    case "guild-gone":
      return { of: { $case: "guildGone", value: {} } };
    default:
      return change satisfies never;
  }
}

function protoUserChange(change: UserChange): ProtoUserChange {
  switch (change.kind) {
    case "guild-joined":
      return { of: { $case: "guildJoined", value: change.guildId } };
    case "guild-left":
      return { of: { $case: "guildLeft", value: change.guildId } };
    case "token-revoked":
      return { of: { $case: "tokenRevoked", value: { tokenHash: Buffer.from(change.tokenHash, "latin1") } } };
    default:
      return change satisfies never;
  }
}
