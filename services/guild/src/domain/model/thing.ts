import type { Overwrite } from "@guildhall/permissions";
import type { Profile } from "@guildhall/proto";

/** A guild's own fields. Ids are 0n and texts empty where there is none. Values are replaced, never changed in place. */
export interface Guild {
  readonly id: bigint;
  readonly name: string;
  readonly description: string;
  readonly ownerId: bigint;
  readonly verificationLevel: number;
  readonly defaultMessageNotifications: number;
  readonly explicitContentFilter: number;
  readonly afkChannelId: bigint;
  /** Seconds: 60, 300, 900, 1800 or 3600. */
  readonly afkTimeout: number;
  readonly systemChannelId: bigint;
  readonly systemChannelFlags: number;
  readonly preferredLocale: string;
  readonly memberCount: number;
  /** The guild is gone for good; its members are being let go. */
  readonly deleted: boolean;
}

/** A channel of a guild; `type` as in Discord's API, `parentId` 0n for none, `rateLimitPerUser` in seconds. */
export interface Channel {
  readonly id: bigint;
  readonly type: number;
  readonly name: string;
  readonly topic: string;
  readonly parentId: bigint;
  readonly nsfw: boolean;
  readonly rateLimitPerUser: number;
  readonly bitrate: number;
  readonly userLimit: number;
  readonly position: number;
  readonly overwrites: readonly Overwrite[];
}

/** A role; @everyone has the guild's id. `botId` is the bot a managed role belongs to, else 0n. */
export interface Role {
  readonly id: bigint;
  readonly name: string;
  readonly permissions: bigint;
  readonly color: number;
  readonly hoist: boolean;
  readonly position: number;
  readonly managed: boolean;
  readonly mentionable: boolean;
  readonly botId: bigint;
}

/** A member with the host's copy of their profile. Roles that are gone may still be named: they count for nothing. */
export interface Member {
  readonly userId: bigint;
  readonly profile: Profile;
  readonly roleIds: readonly bigint[];
  readonly joinedAt: string;
}

/** An invite; `maxAge` in seconds (0 = for ever), `maxUses` 0 for any number, times in Unix ms. */
export interface Invite {
  readonly code: string;
  readonly channelId: bigint;
  readonly inviter: Profile;
  readonly createdAtMs: number;
  readonly maxAge: number;
  readonly maxUses: number;
  readonly uses: number;
  readonly temporary: boolean;
}

/** One entry of the audit log; `action` as in Discord's API. */
export interface AuditEntry {
  readonly id: bigint;
  readonly action: number;
  readonly userId: bigint;
  readonly targetId: string;
  readonly reason: string;
}

/** Where a channel's messages stand: the last message's id, and the seq of the last event that touched one. */
export interface ChannelEnd {
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly seq: bigint;
}

/**
 * A message as its author and later commands need it; `openJson` lacks the closing brace, reactions, and the message that
 * it answers (`referenceId`, 0n for none).
 */
export interface Message {
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly authorId: bigint;
  readonly mentionIds: readonly bigint[];
  readonly openJson: Buffer;
  readonly referenceId: bigint;
}

/** One person's reaction of one kind. `emojiId` is 0n for a unicode emoji. */
export interface Reaction {
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly emojiId: bigint;
  readonly emojiName: string;
  readonly userId: bigint;
}

/** Tells kinds of reactions apart. */
export function emojiKey(emojiId: bigint, emojiName: string): string {
  return emojiId === 0n ? emojiName : emojiId.toString();
}
