import { GuildhallError } from "@guildhall/errors";
import { kindOfChannelType, Permission } from "@guildhall/permissions";
import type { CreateChannel, DeleteChannel, EditChannel } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import { bytesOf } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Channel } from "../model/thing.ts";
import { channelJson } from "../render/render-channel.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { plainChannel } from "./decide-guild.ts";
import { dispatchOf, inChannel, losers } from "./dispatch.ts";
import { checkOverwrites, overwritesOf, sameOverwrites } from "./overwrites.ts";
import {
  type Decision,
  guildOf,
  invalidField,
  need,
  type Requester,
  type Reservation,
  requesterOf,
  type Turn,
  visibleChannel,
} from "./turn.ts";

const category = 4;
const createdTypes: ReadonlySet<number> = new Set([0, 2, 4, 5]);

/** Makes a channel. */
export function decideCreateChannel(turn: Turn, command: CreateChannel): Decision | Reservation {
  const { state } = turn;
  guildOf(state);
  const who = requesterOf(turn);
  need(who.view.base, Permission.MANAGE_CHANNELS);
  if (!createdTypes.has(command.type)) {
    throw invalidField(["type"], "BASE_TYPE_CHOICES", `channel type ${command.type} is not supported`);
  }
  checkParent(state, who, command.type, command.parentId);
  const parent = state.channels.get(command.parentId);
  const overwrites = command.overwrites === undefined ? (parent?.overwrites ?? []) : overwritesOf(command.overwrites);
  if (command.overwrites !== undefined) checkOverwrites(turn, who, who.view.base, [], overwrites);
  if (state.channels.size >= limits.channels_per_guild) throw new GuildhallError("MAX_CHANNELS", "too many channels");
  const id = turn.reserved?.channelIds[0];
  if (id === undefined) return { reserve: { channels: 1, code: "" } };
  const plain = plainChannel(id, command.type, command.name);
  const channel: Channel = {
    ...plain,
    topic: command.topic,
    parentId: command.parentId,
    nsfw: command.nsfw,
    rateLimitPerUser: command.rateLimitPerUser,
    bitrate: kindOfChannelType(command.type) === "voice" && command.bitrate !== 0 ? command.bitrate : plain.bitrate,
    userLimit: command.userLimit,
    position: command.position ?? endPosition(state, command.type),
    overwrites,
  };
  const json = bytesOf(channelJson(state, channel));
  return {
    outcomes: [{ of: "channel", channel }, auditOutcome(turn, auditAction.channelCreate, id)],
    dispatches: [dispatchOf("CHANNEL_CREATE", inChannel(id), json)],
    status: 201,
    json,
  };
}

/** Categories are ordered among themselves, as are all others. */
function endPosition(state: GuildState, type: number): number {
  let end = 0;
  for (const channel of state.channels.values()) {
    if ((channel.type === category) === (type === category)) end = Math.max(end, channel.position + 1);
  }
  return end;
}

/** Refuses a category that is none, that the asker does not see or manage, or that is full. */
function checkParent(state: GuildState, { view }: Requester, type: number, parentId: bigint): void {
  if (parentId === 0n) return;
  const parent = state.channels.get(parentId);
  if (parent === undefined || parent.type !== category || type === category) {
    throw invalidField(["parent_id"], "CHANNEL_PARENT_INVALID", "parent_id must be a category of this guild");
  }
  if (!view.canSee(parentId)) throw new GuildhallError("MISSING_ACCESS", "the category is hidden");
  need(view.permissionsIn(parentId), Permission.MANAGE_CHANNELS);
  let children = 0;
  for (const channel of state.channels.values()) if (channel.parentId === parentId) children++;
  if (children >= limits.channels_per_category) {
    throw invalidField(["parent_id"], "CHANNEL_PARENT_MAX_CHANNELS", "the category is full");
  }
}

/** Changes a channel. Overwrites need MANAGE_ROLES, all else MANAGE_CHANNELS. */
export function decideEditChannel(turn: Turn, edit: EditChannel): Decision {
  const { state } = turn;
  const { channel: before, who, permissions } = visibleChannel(turn, edit.channelId);
  const overwrites = edit.overwrites === undefined ? before.overwrites : overwritesOf(edit.overwrites);
  if (edit.overwrites !== undefined) {
    need(permissions, Permission.MANAGE_ROLES);
    checkOverwrites(turn, who, permissions, before.overwrites, overwrites);
  }
  const others = Object.entries(edit).some(
    ([field, value]) => field !== "channelId" && field !== "overwrites" && value !== undefined,
  );
  if (others || edit.overwrites === undefined) need(permissions, Permission.MANAGE_CHANNELS);
  if (edit.parentId !== undefined && edit.parentId !== before.parentId) {
    checkParent(state, who, before.type, edit.parentId);
  }
  const channel: Channel = {
    ...before,
    type: newType(before, edit.type),
    name: edit.name ?? before.name,
    topic: edit.topic ?? before.topic,
    parentId: edit.parentId ?? before.parentId,
    nsfw: edit.nsfw ?? before.nsfw,
    rateLimitPerUser: edit.rateLimitPerUser ?? before.rateLimitPerUser,
    bitrate: edit.bitrate ?? before.bitrate,
    userLimit: edit.userLimit ?? before.userLimit,
    position: edit.position ?? before.position,
    overwrites,
  };
  return channelUpdate(turn, channel, auditAction.channelUpdate);
}

/** Text and announcement channels turn into one another, nothing else. */
function newType(before: Channel, type: number | undefined): number {
  if (type === undefined || type === before.type) return before.type;
  if ((before.type === 0 && type === 5) || (before.type === 5 && type === 0)) return type;
  throw invalidField(["type"], "BASE_TYPE_CHOICES", "the channel cannot become of this type");
}

/** A changed channel, told to those who see it. Channels that had the overwrites of their category go on having them. */
export function channelUpdate(turn: Turn, channel: Channel, action: number): Decision {
  const { state } = turn;
  const json = bytesOf(channelJson(state, channel));
  const outcomes: Outcome[] = [{ of: "channel", channel }];
  const dispatches = [dispatchOf("CHANNEL_UPDATE", inChannel(channel.id), json)];
  for (const child of syncedChildren(state, channel)) {
    const followed = { ...child, overwrites: channel.overwrites };
    outcomes.push({ of: "channel", channel: followed });
    dispatches.push(dispatchOf("CHANNEL_UPDATE", inChannel(child.id), channelJson(state, followed)));
  }
  outcomes.push(auditOutcome(turn, action, channel.id));
  return { outcomes, dispatches, status: 200, json };
}

/** Channels that follow a category into its new overwrites. */
function syncedChildren(state: GuildState, { id, type, overwrites }: Channel): Channel[] {
  const before = state.channels.get(id)?.overwrites;
  if (type !== category || before === undefined || sameOverwrites(before, overwrites)) return [];
  return [...state.channels.values()].filter(
    (child) => child.parentId === id && sameOverwrites(child.overwrites, before),
  );
}

/** Deletes a channel. Children of a category live on without it; invites to the channel end. */
export function decideDeleteChannel(turn: Turn, { channelId }: DeleteChannel): Decision {
  const { state } = turn;
  const { channel, permissions } = visibleChannel(turn, channelId);
  need(permissions, Permission.MANAGE_CHANNELS);
  const json = bytesOf(channelJson(state, channel));
  const outcomes: Outcome[] = [
    { of: "channel-gone", id: channelId },
    { of: "channel-end-gone", id: channelId },
  ];
  const dispatches = [dispatchOf("CHANNEL_DELETE", losers(channelId), json)];
  for (const child of state.channels.values()) {
    if (child.parentId !== channelId) continue;
    const orphan = { ...child, parentId: 0n };
    outcomes.push({ of: "channel", channel: orphan });
    dispatches.push(dispatchOf("CHANNEL_UPDATE", inChannel(child.id), channelJson(state, orphan)));
  }
  for (const { code, channelId: to } of state.invites.values()) {
    if (to === channelId) outcomes.push({ of: "invite-gone", code });
  }
  const guild = guildOf(state);
  if (guild.systemChannelId === channelId || guild.afkChannelId === channelId) {
    const left = (id: bigint): bigint => (id === channelId ? 0n : id);
    const { systemChannelId, afkChannelId } = guild;
    outcomes.push({
      of: "guild",
      guild: { ...guild, systemChannelId: left(systemChannelId), afkChannelId: left(afkChannelId) },
    });
  }
  outcomes.push(auditOutcome(turn, auditAction.channelDelete, channelId));
  return { outcomes, dispatches, status: 200, json };
}
