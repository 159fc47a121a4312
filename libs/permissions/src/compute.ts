import { allPermissions, Permission } from "./permission.ts";

/** What a channel allows and denies to a role (also @everyone, whose id is the guild's) or to one member. */
export interface Overwrite {
  readonly id: bigint;
  readonly kind: "role" | "member";
  readonly allow: bigint;
  readonly deny: bigint;
}

/** What decides a member's permissions in a guild. `roleIds` need not name @everyone. */
export interface MemberBase {
  readonly guildId: bigint;
  readonly ownerId: bigint;
  readonly userId: bigint;
  readonly roleIds: readonly bigint[];
  /** A role's permissions; undefined for a role the guild does not have, which then gives nothing. */
  readonly rolePermissions: (roleId: bigint) => bigint | undefined;
  /** Whether a time-out is in force for the member (communication_disabled_until lies ahead). */
  readonly timedOut?: boolean;
}

/** How a channel's missing permissions imply others: by text, voice, stage, thread, or (category) not at all. */
export type ChannelKind = "text" | "voice" | "stage" | "thread" | "category";

/** What decides a member's permissions in one channel; for a thread, `overwrites` are its parent's. */
export interface MemberInChannel {
  /** The outcome of `basePermissions`. */
  readonly base: bigint;
  readonly guildId: bigint;
  readonly userId: bigint;
  readonly roleIds: readonly bigint[];
  readonly overwrites: readonly Overwrite[];
  readonly channelKind: ChannelKind;
  readonly timedOut?: boolean;
}

const keptInTimeout = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY;

const needSending =
  Permission.MENTION_EVERYONE | Permission.SEND_TTS_MESSAGES | Permission.ATTACH_FILES | Permission.EMBED_LINKS;

// The bits that mean something in voice or stage channels only, and the two with which one would edit the channel.
const needConnecting =
  Permission.PRIORITY_SPEAKER |
  Permission.STREAM |
  Permission.CONNECT |
  Permission.SPEAK |
  Permission.MUTE_MEMBERS |
  Permission.DEAFEN_MEMBERS |
  Permission.MOVE_MEMBERS |
  Permission.USE_VAD |
  Permission.REQUEST_TO_SPEAK |
  Permission.MANAGE_EVENTS |
  Permission.USE_SOUNDBOARD |
  Permission.CREATE_EVENTS |
  Permission.USE_EXTERNAL_SOUNDS |
  Permission.SET_VOICE_CHANNEL_STATUS |
  Permission.MANAGE_CHANNELS |
  Permission.MANAGE_ROLES;

/** A member's permissions in the guild: all for the owner and for administrators, who no time-out touches. */
export function basePermissions(member: MemberBase): bigint {
  if (member.userId === member.ownerId) return allPermissions;
  let permissions = member.rolePermissions(member.guildId) ?? 0n;
  for (const roleId of member.roleIds) permissions |= member.rolePermissions(roleId) ?? 0n;
  if ((permissions & Permission.ADMINISTRATOR) !== 0n) return allPermissions;
  return permissions & (member.timedOut ? keptInTimeout : allPermissions);
}

/** A member's permissions in a channel, with all that is implied; 0 without VIEW_CHANNEL. */
export function channelPermissions(member: MemberInChannel): bigint {
  if ((member.base & Permission.ADMINISTRATOR) !== 0n) return allPermissions;
  let permissions = overwritten(member) & allPermissions;
  if (member.timedOut) permissions &= keptInTimeout;
  if ((permissions & Permission.VIEW_CHANNEL) === 0n) return 0n;
  return withoutImplied(permissions, member.channelKind);
}

/** The kind of a channel, from its `type` in the API; types unknown here count as text. */
export function kindOfChannelType(type: number): ChannelKind {
  switch (type) {
    case 2:
      return "voice";
    case 4:
      return "category";
    case 10:
    case 11:
    case 12:
      return "thread";
    case 13:
      return "stage";
    default:
      return "text";
  }
}

/** The base after @everyone's overwrite, then those of the roles as one, then the member's own; allow wins within each. */
export function overwritten({ base, guildId, userId, roleIds, overwrites }: MemberInChannel): bigint {
  let [everyoneAllow, everyoneDeny, roleAllow, roleDeny, ownAllow, ownDeny] = [0n, 0n, 0n, 0n, 0n, 0n];
  for (const { id, kind, allow, deny } of overwrites) {
    if (kind === "member") {
      if (id === userId) [ownAllow, ownDeny] = [allow, deny];
    } else if (id === guildId) [everyoneAllow, everyoneDeny] = [allow, deny];
    else if (roleIds.includes(id)) {
      roleAllow |= allow;
      roleDeny |= deny;
    }
  }
  let permissions = (base & ~everyoneDeny) | everyoneAllow;
  permissions = (permissions & ~roleDeny) | roleAllow;
  return (permissions & ~ownDeny) | ownAllow;
}

function withoutImplied(permissions: bigint, kind: ChannelKind): bigint {
  if (kind === "category") return permissions;
  // Voice and stage channels have a text chat, so that they follow the rule for text too.
  const sending = kind === "thread" ? Permission.SEND_MESSAGES_IN_THREADS : Permission.SEND_MESSAGES;
  let left = permissions;
  if ((left & sending) === 0n) left &= ~needSending;
  if ((kind === "voice" || kind === "stage") && (left & Permission.CONNECT) === 0n) left &= ~needConnecting;
  return left;
}
