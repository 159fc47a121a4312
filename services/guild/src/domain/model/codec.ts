import type { Overwrite } from "@guildhall/permissions";
import type { Profile } from "@guildhall/proto";
import { bytesOf } from "./bytes.ts";
import type { AuditEntry, Channel, ChannelEnd, Guild, Invite, Member, Role } from "./thing.ts";

// The stored JSON is the thing itself with 64-bit numbers as decimal text; absent keys read as the empty value, so that
// rows of earlier versions go on to load.

interface Stored {
  readonly [key: string]: unknown;
}

/** Bigints become decimal text. */
function encode(value: object): Buffer {
  return bytesOf(JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? `${field}` : field)));
}

function decode(bytes: Buffer): Stored {
  return JSON.parse(bytes.toString("utf8")) as Stored;
}

const big = (value: unknown): bigint => (typeof value === "string" ? BigInt(value) : 0n);
const int = (value: unknown): number => (typeof value === "number" ? value : 0);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const flag = (value: unknown): boolean => value === true;
const list = (value: unknown): readonly Stored[] => (Array.isArray(value) ? (value as Stored[]) : []);

/** The stored form of a guild's fields. */
export function encodeGuild(guild: Guild): Buffer {
  return encode(guild);
}

/** A guild's fields from their stored form. */
export function decodeGuild(bytes: Buffer): Guild {
  const stored = decode(bytes);
  return {
    id: big(stored.id),
    name: text(stored.name),
    description: text(stored.description),
    ownerId: big(stored.ownerId),
    verificationLevel: int(stored.verificationLevel),
    defaultMessageNotifications: int(stored.defaultMessageNotifications),
    explicitContentFilter: int(stored.explicitContentFilter),
    afkChannelId: big(stored.afkChannelId),
    afkTimeout: int(stored.afkTimeout),
    systemChannelId: big(stored.systemChannelId),
    systemChannelFlags: int(stored.systemChannelFlags),
    preferredLocale: text(stored.preferredLocale),
    memberCount: int(stored.memberCount),
    deleted: flag(stored.deleted),
  };
}

/** The stored form of a channel. */
export function encodeChannel(channel: Channel): Buffer {
  return encode(channel);
}

/** A channel from its stored form. */
export function decodeChannel(bytes: Buffer): Channel {
  const stored = decode(bytes);
  return {
    id: big(stored.id),
    type: int(stored.type),
    name: text(stored.name),
    topic: text(stored.topic),
    parentId: big(stored.parentId),
    nsfw: flag(stored.nsfw),
    rateLimitPerUser: int(stored.rateLimitPerUser),
    bitrate: int(stored.bitrate),
    userLimit: int(stored.userLimit),
    position: int(stored.position),
    overwrites: list(stored.overwrites).map(decodeOverwrite),
  };
}

function decodeOverwrite({ id, kind, allow, deny }: Stored): Overwrite {
  return { id: big(id), kind: kind === "member" ? "member" : "role", allow: big(allow), deny: big(deny) };
}

/** The stored form of where a channel's messages stand. */
export function encodeChannelEnd({ messageId, seq }: ChannelEnd): Buffer {
  return bytesOf(`{"messageId":"${messageId}","seq":"${seq}"}`);
}

/** Where a channel's messages stand, from its stored form. */
export function decodeChannelEnd(channelId: bigint, bytes: Buffer): ChannelEnd {
  const { messageId, seq } = decode(bytes);
  return { channelId, messageId: big(messageId), seq: big(seq) };
}

/** The stored form of a role. */
export function encodeRole(role: Role): Buffer {
  return encode(role);
}

/** A role from its stored form. */
export function decodeRole(bytes: Buffer): Role {
  const stored = decode(bytes);
  return {
    id: big(stored.id),
    name: text(stored.name),
    permissions: big(stored.permissions),
    color: int(stored.color),
    hoist: flag(stored.hoist),
    position: int(stored.position),
    managed: flag(stored.managed),
    mentionable: flag(stored.mentionable),
    botId: big(stored.botId),
  };
}

/** The stored form of a member. */
export function encodeMember({ userId, profile, roleIds, joinedAt }: Member): Buffer {
  return encode({ userId, profile, roleIds, joinedAt });
}

/** A member from its stored form. */
export function decodeMember(bytes: Buffer): Member {
  const stored = decode(bytes);
  const roleIds = Array.isArray(stored.roleIds) ? stored.roleIds.map(big) : [];
  return {
    userId: big(stored.userId),
    profile: decodeProfile(stored.profile),
    roleIds,
    joinedAt: text(stored.joinedAt),
  };
}

function decodeProfile(value: unknown): Profile {
  const stored = (typeof value === "object" && value !== null ? value : {}) as Stored;
  return {
    id: big(stored.id),
    username: text(stored.username),
    globalName: text(stored.globalName),
    avatar: text(stored.avatar),
    bot: flag(stored.bot),
    publicFlags: big(stored.publicFlags),
  };
}

/** The stored form of an invite. */
export function encodeInvite(invite: Invite): Buffer {
  return encode(invite);
}

/** An invite from its stored form. */
export function decodeInvite(bytes: Buffer): Invite {
  const stored = decode(bytes);
  return {
    code: text(stored.code),
    channelId: big(stored.channelId),
    inviter: decodeProfile(stored.inviter),
    createdAtMs: int(stored.createdAtMs),
    maxAge: int(stored.maxAge),
    maxUses: int(stored.maxUses),
    uses: int(stored.uses),
    temporary: flag(stored.temporary),
  };
}

/** The stored form of an audit log entry: Discord's object. */
export function encodeAudit(entry: AuditEntry): Buffer {
  return bytesOf(auditJson(entry));
}

/** Discord's audit log entry object. */
export function auditJson({ id, action, userId, targetId, reason }: AuditEntry): string {
  const why = reason === "" ? "" : `,"reason":${JSON.stringify(reason)}`;
  const target = targetId === "" ? "null" : `"${targetId}"`;
  return `{"id":"${id}","action_type":${action},"user_id":"${userId}","target_id":${target},"changes":[]${why}}`;
}
