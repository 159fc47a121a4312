import { GuildhallError } from "@guildhall/errors";
import { defaultEveryonePermissions, Permission } from "@guildhall/permissions";
import type { CreateGuild, EditGuild } from "@guildhall/proto";
import { bytesOf, noBytes } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import { makeGuildState } from "../model/state.ts";
import type { Channel, Guild, Member, Role } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { guildJson } from "../render/render-guild.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { dispatchOf, everyone } from "./dispatch.ts";
import {
  type Decision,
  guildOf,
  invalidField,
  need,
  type Requester,
  type Reservation,
  requesterOf,
  type Turn,
} from "./turn.ts";

const defaultBitrate = 64_000;

/** A channel with nothing set. */
export function plainChannel(id: bigint, type: number, name: string): Channel {
  const isVoice = type === 2 || type === 13;
  return {
    id,
    type,
    name,
    topic: "",
    parentId: 0n,
    nsfw: false,
    rateLimitPerUser: 0,
    bitrate: isVoice ? defaultBitrate : 0,
    userLimit: 0,
    position: 0,
    overwrites: [],
  };
}

/** Makes the guild with @everyone, a category with one text channel, and its owner as the first member. */
export function decideCreateGuild(turn: Turn, { guildId, name }: CreateGuild): Decision | Reservation {
  const owner = turn.actor?.profile;
  if (turn.state.guild !== undefined) throw new GuildhallError("INVALID_FORM", `guild ${guildId} exists`);
  if (owner === undefined) throw new GuildhallError("MISSING_ACCESS", "a guild needs an owner");
  if (owner.bot) throw new GuildhallError("USERS_ONLY", "bots cannot make guilds");
  const [categoryId, textId] = turn.reserved?.channelIds ?? [];
  if (categoryId === undefined || textId === undefined) return { reserve: { channels: 2, code: "" } };
  const joinedAt = isoOf(turn.nowMs);
  const guild: Guild = {
    id: guildId,
    name,
    description: "",
    ownerId: owner.id,
    verificationLevel: 0,
    defaultMessageNotifications: 0,
    explicitContentFilter: 0,
    afkChannelId: 0n,
    afkTimeout: 300,
    systemChannelId: textId,
    systemChannelFlags: 0,
    preferredLocale: "en-US",
    memberCount: 1,
    deleted: false,
  };
  const member: Member = { userId: owner.id, profile: owner, roleIds: [], joinedAt };
  const outcomes: Outcome[] = [
    { of: "guild", guild },
    { of: "role", role: everyoneRole(guildId) },
    { of: "channel", channel: plainChannel(categoryId, 4, "Text Channels") },
    { of: "channel", channel: { ...plainChannel(textId, 0, "general"), parentId: categoryId } },
    { of: "member", member },
    { of: "membership", userId: owner.id, member: true, joinedAt },
  ];
  const after = makeGuildState(guildId);
  for (const outcome of outcomes) after.assign(outcome);
  return { outcomes, dispatches: [], status: 201, json: bytesOf(guildJson(after, guild)) };
}

function everyoneRole(guildId: bigint): Role {
  return {
    id: guildId,
    name: "@everyone",
    permissions: defaultEveryonePermissions,
    color: 0,
    hoist: false,
    position: 0,
    managed: false,
    mentionable: false,
    botId: 0n,
  };
}

/** Changes the guild's own fields. */
export function decideEditGuild(turn: Turn, edit: EditGuild): Decision {
  const before = guildOf(turn.state);
  const who = requesterOf(turn);
  need(who.view.base, Permission.MANAGE_GUILD);
  checkOwner(turn, before, edit, who);
  checkChannels(turn, edit);
  const guild: Guild = {
    ...before,
    name: edit.name ?? before.name,
    description: edit.description ?? before.description,
    verificationLevel: edit.verificationLevel ?? before.verificationLevel,
    defaultMessageNotifications: edit.defaultMessageNotifications ?? before.defaultMessageNotifications,
    explicitContentFilter: edit.explicitContentFilter ?? before.explicitContentFilter,
    afkChannelId: edit.afkChannelId ?? before.afkChannelId,
    afkTimeout: edit.afkTimeout ?? before.afkTimeout,
    systemChannelId: edit.systemChannelId ?? before.systemChannelId,
    systemChannelFlags: edit.systemChannelFlags ?? before.systemChannelFlags,
    preferredLocale: edit.preferredLocale ?? before.preferredLocale,
    ownerId: edit.ownerId ?? before.ownerId,
  };
  const json = bytesOf(guildJson(turn.state, guild));
  return {
    outcomes: [{ of: "guild", guild }, auditOutcome(turn, auditAction.guildUpdate, guild.id)],
    dispatches: [dispatchOf("GUILD_UPDATE", everyone, json)],
    status: 200,
    json,
  };
}

function checkOwner(turn: Turn, before: Guild, { ownerId }: EditGuild, who: Requester): void {
  if (ownerId === undefined || ownerId === before.ownerId) return;
  if (!who.isOwner) throw new GuildhallError("MISSING_PERMISSIONS", "only the owner gives the guild away");
  const heir = turn.member(ownerId);
  if (heir === undefined) throw new GuildhallError("UNKNOWN_MEMBER", `no member ${ownerId}`);
  if (heir.profile.bot) throw new GuildhallError("INVALID_ACCOUNT_TYPE", "a bot cannot own a guild");
}

const greetingTypes: ReadonlySet<number> = new Set([0, 5]);
const afkTypes: ReadonlySet<number> = new Set([2]);

function checkChannels({ state }: Turn, { afkChannelId = 0n, systemChannelId = 0n }: EditGuild): void {
  const check = (field: string, id: bigint, types: ReadonlySet<number>): void => {
    if (id === 0n) return;
    const channel = state.channels.get(id);
    if (channel === undefined) throw new GuildhallError("UNKNOWN_CHANNEL", `no channel ${id}`);
    if (!types.has(channel.type)) throw invalidField([field], "CHANNEL_TYPE_INVALID", "Invalid channel type.");
  };
  check("system_channel_id", systemChannelId, greetingTypes);
  check("afk_channel_id", afkChannelId, afkTypes);
}

/** Deletes the guild for good. Its members are let go by records that follow. */
export function decideDeleteGuild(turn: Turn): Decision {
  const guild = guildOf(turn.state);
  const who = requesterOf(turn);
  if (!who.isOwner) throw new GuildhallError("MISSING_PERMISSIONS", "only the owner deletes the guild");
  const { channels, roles, invites, ends } = turn.state;
  const outcomes: Outcome[] = [{ of: "guild", guild: { ...guild, deleted: true } }];
  for (const id of channels.keys()) outcomes.push({ of: "channel-gone", id });
  for (const id of ends.keys()) outcomes.push({ of: "channel-end-gone", id });
  for (const id of roles.keys()) outcomes.push({ of: "role-gone", id });
  for (const code of invites.keys()) outcomes.push({ of: "invite-gone", code });
  return {
    outcomes,
    dispatches: [dispatchOf("GUILD_DELETE", everyone, `{"id":"${guild.id}"}`)],
    status: 204,
    json: noBytes,
  };
}
