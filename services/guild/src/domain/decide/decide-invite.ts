import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { AcceptInvite, CreateInvite, DeleteInvite, Dispatch } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import { bytesOf } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Guild, Invite, Member } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { expiresAtMs, inviteCreateJson, inviteJson } from "../render/render-invite.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { joining } from "./decide-member.ts";
import { dispatchOf, inChannel } from "./dispatch.ts";
import { messageDispatch, renderSystemMessage } from "./system-message.ts";
import { type Decision, guildOf, has, need, type Reservation, requesterOf, type Turn, visibleChannel } from "./turn.ts";

// Ended invites are swept while others are made, so many at once.
const sweptAtOnce = 20;

const memberJoinType = 7;
const suppressJoinNotifications = 1;

/** The invite with a code, if it has not ended. */
export function liveInvite(state: GuildState, code: string, nowMs: number): Invite {
  const invite = state.guild?.deleted === false ? state.invites.get(code) : undefined;
  if (invite === undefined || hasEnded(invite, nowMs)) throw new GuildhallError("UNKNOWN_INVITE", "no such invite");
  return invite;
}

function hasEnded(invite: Invite, nowMs: number): boolean {
  return (expiresAtMs(invite) ?? Number.POSITIVE_INFINITY) <= nowMs;
}

/** Makes an invite, or gives an equal one that is there when it need not be unique. */
export function decideCreateInvite(turn: Turn, command: CreateInvite): Decision | Reservation {
  const { state, nowMs } = turn;
  const { channel, who, permissions } = visibleChannel(turn, command.channelId);
  need(permissions, Permission.CREATE_INSTANT_INVITE);
  const invite: Invite = {
    code: command.code,
    channelId: channel.id,
    inviter: who.profile,
    createdAtMs: nowMs,
    maxAge: command.maxAge,
    maxUses: command.maxUses,
    uses: 0,
    temporary: command.temporary,
  };
  const ended: Outcome[] = [];
  let live = 0;
  for (const other of state.invites.values()) {
    if (hasEnded(other, nowMs)) ended.push({ of: "invite-gone", code: other.code });
    else {
      live++;
      if (!command.unique && isEqual(other, invite)) {
        return { outcomes: [], dispatches: [], status: 200, json: rendered(state, other) };
      }
    }
  }
  if (live >= limits.invites) throw new GuildhallError("MAX_INVITES", "too many invites");
  if (turn.reserved === undefined) return { reserve: { channels: 0, code: command.code } };
  return {
    outcomes: [
      { of: "invite", invite },
      ...ended.slice(0, sweptAtOnce),
      auditOutcome(turn, auditAction.inviteCreate, ""),
    ],
    dispatches: [dispatchOf("INVITE_CREATE", managers(invite), inviteCreateJson(state, invite))],
    status: 200,
    json: rendered(state, invite),
  };
}

function isEqual(a: Invite, b: Invite): boolean {
  return (
    a.channelId === b.channelId &&
    a.inviter.id === b.inviter.id &&
    a.maxAge === b.maxAge &&
    a.maxUses === b.maxUses &&
    a.temporary === b.temporary
  );
}

function rendered(state: GuildState, invite: Invite): Buffer {
  return bytesOf(inviteJson(state, invite, { metadata: true }));
}

function managers(invite: Invite) {
  return inChannel(invite.channelId, Permission.VIEW_CHANNEL | Permission.MANAGE_CHANNELS);
}

/** Joins the guild by an invite; who is a member already gets the invite and nothing changes. */
export function decideAcceptInvite(turn: Turn, { code }: AcceptInvite): Decision {
  const { state, actor, nowMs } = turn;
  const invite = liveInvite(state, code, nowMs);
  const guild = guildOf(state);
  const profile = actor?.profile;
  if (profile === undefined) throw new GuildhallError("MISSING_ACCESS", "nobody to join");
  if (profile.bot) throw new GuildhallError("USERS_ONLY", "bots do not join by invites");
  if (turn.member(profile.id) !== undefined) {
    const json = bytesOf(inviteJson(state, invite, { newMember: false }));
    return { outcomes: [], dispatches: [], status: 200, json };
  }
  const member: Member = { userId: profile.id, profile, roleIds: [], joinedAt: isoOf(nowMs) };
  const joined = joining(state.roles, guild, [member]);
  const used = { ...invite, uses: invite.uses + 1 };
  const usedUp = invite.maxUses !== 0 && used.uses >= invite.maxUses;
  const welcome = welcomeMessage(turn, guild, member);
  return {
    outcomes: [
      ...joined.outcomes,
      usedUp ? { of: "invite-gone", code } : { of: "invite", invite: used },
      ...welcome.outcomes,
    ],
    dispatches: [...joined.dispatches, ...welcome.dispatches],
    status: 200,
    json: bytesOf(inviteJson(state, used, { newMember: true })),
  };
}

/** The message that greets a member in the system channel. */
function welcomeMessage(turn: Turn, guild: Guild, member: Member): { outcomes: Outcome[]; dispatches: Dispatch[] } {
  const channel = turn.state.channels.get(guild.systemChannelId);
  const off = (guild.systemChannelFlags & suppressJoinNotifications) !== 0;
  if (channel === undefined || off) return { outcomes: [], dispatches: [] };
  const id = turn.nextId();
  const message = renderSystemMessage(turn.state, channel, id, memberJoinType, member);
  return {
    outcomes: [
      {
        of: "message",
        message: {
          channelId: channel.id,
          messageId: id,
          authorId: member.userId,
          mentionIds: [],
          openJson: message.openJson,
          referenceId: 0n,
        },
      },
      { of: "channel-end", end: { channelId: channel.id, messageId: id, seq: turn.seq } },
    ],
    dispatches: [messageDispatch("MESSAGE_CREATE", channel.id, message, [member.userId])],
  };
}

/** Ends an invite. */
export function decideDeleteInvite(turn: Turn, { code }: DeleteInvite): Decision {
  const { state } = turn;
  const invite = liveInvite(state, code, turn.nowMs);
  const who = requesterOf(turn);
  const inPlace = who.view.permissionsIn(invite.channelId);
  if (!has(inPlace, Permission.MANAGE_CHANNELS)) need(who.view.base, Permission.MANAGE_GUILD);
  const json = `{"channel_id":"${invite.channelId}","guild_id":"${state.topic}","code":${JSON.stringify(code)}}`;
  return {
    outcomes: [{ of: "invite-gone", code }, auditOutcome(turn, auditAction.inviteDelete, "")],
    dispatches: [dispatchOf("INVITE_DELETE", managers(invite), json)],
    status: 200,
    json: bytesOf(inviteJson(state, invite)),
  };
}
