import { GuildhallError } from "@guildhall/errors";
import { allPermissions, Permission } from "@guildhall/permissions";
import type { AddBot, AddPeople, Dispatch, KickMember, Profile } from "@guildhall/proto";
import { bytesOf, noBytes } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Guild, Member, Role } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { maxMembers } from "../render/render-guild.ts";
import { memberJson, userJson } from "../render/render-user.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { outranks, roleEvent } from "./decide-role.ts";
import { dispatchOf, everyone, users } from "./dispatch.ts";
import { type Decision, guildOf, need, requesterOf, type Turn } from "./turn.ts";

/** A new member's rows and what is told of them; `guild` has the count without them. */
export function joining(
  roles: GuildState["roles"],
  guild: Guild,
  members: readonly Member[],
): { guild: Guild; outcomes: Outcome[]; dispatches: Dispatch[] } {
  if (guild.memberCount + members.length > maxMembers) throw new GuildhallError("MAX_MEMBERS", "the guild is full");
  const grown = { ...guild, memberCount: guild.memberCount + members.length };
  const outcomes: Outcome[] = [{ of: "guild", guild: grown }];
  const dispatches: Dispatch[] = [];
  for (const member of members) {
    const { userId, joinedAt } = member;
    outcomes.push({ of: "member", member }, { of: "membership", userId, member: true, joinedAt });
    const json = memberJson(roles, member, `,"guild_id":"${guild.id}"`);
    dispatches.push(dispatchOf("GUILD_MEMBER_ADD", everyone, json));
  }
  return { guild: grown, outcomes, dispatches };
}

/** A member's end: rows, and what is told the others and the one who left. */
function leaving(guild: Guild, { userId, profile, joinedAt }: Member): Pick<Decision, "outcomes" | "dispatches"> {
  return {
    outcomes: [
      { of: "guild", guild: { ...guild, memberCount: guild.memberCount - 1 } },
      { of: "member-gone", userId },
      { of: "membership", userId, member: false, joinedAt },
    ],
    dispatches: [
      // In this order: the one who left hears no more of the guild.
      dispatchOf("GUILD_DELETE", users(userId), `{"id":"${guild.id}"}`),
      dispatchOf("GUILD_MEMBER_REMOVE", everyone, `{"guild_id":"${guild.id}","user":${userJson(profile)}}`),
    ],
  };
}

/** Lets a member go who wants to. */
export function decideLeaveGuild(turn: Turn): Decision {
  const guild = guildOf(turn.state);
  const who = requesterOf(turn);
  if (who.isOwner) throw new GuildhallError("OWNER_CANNOT_LEAVE", "the owner cannot leave");
  return { ...leaving(guild, who.member), status: 204, json: noBytes };
}

/** Removes a member of lower rank. */
export function decideKickMember(turn: Turn, { userId }: KickMember): Decision {
  const guild = guildOf(turn.state);
  const who = requesterOf(turn);
  const target = turn.member(userId);
  if (target === undefined) throw new GuildhallError("UNKNOWN_MEMBER", `no member ${userId}`);
  need(who.view.base, Permission.KICK_MEMBERS);
  if (!outranks(turn, who, target))
    throw new GuildhallError("MISSING_PERMISSIONS", "the member is not below one's rank");
  const left = leaving(guild, target);
  const outcomes = [...left.outcomes, auditOutcome(turn, auditAction.memberKick, userId)];
  return { outcomes, dispatches: left.dispatches, status: 204, json: noBytes };
}

/** Adds a bot, with a managed role of its own when it is to have permissions. Without an actor the operator asks. */
export function decideAddBot(turn: Turn, { bot, permissions }: AddBot): Decision {
  const { state } = turn;
  const guild = guildOf(state);
  if (bot === undefined) throw new GuildhallError("INVALID_FORM", "no bot given");
  const granted = permissions & allPermissions;
  if (turn.actor !== undefined) {
    const who = requesterOf(turn);
    need(who.view.base, Permission.MANAGE_GUILD);
    if ((granted & ~who.view.base) !== 0n) {
      throw new GuildhallError("MISSING_PERMISSIONS", "only permissions one has can be granted");
    }
  }
  const known = turn.member(bot.id);
  if (known !== undefined)
    return { outcomes: [], dispatches: [], status: 200, json: bytesOf(memberJson(state.roles, known)) };
  const role = granted === 0n ? undefined : botRole(turn.nextId(), bot, granted);
  const member: Member = {
    userId: bot.id,
    profile: bot,
    roleIds: role === undefined ? [] : [role.id],
    joinedAt: isoOf(turn.nowMs),
  };
  const outcomes: Outcome[] = [];
  const dispatches: Dispatch[] = [];
  if (role !== undefined) {
    outcomes.push({ of: "role", role });
    dispatches.push(dispatchOf("GUILD_ROLE_CREATE", everyone, roleEvent(state, role)));
  }
  const named = role === undefined ? state.roles : new Map([...state.roles, [role.id, role]]);
  const joined = joining(named, guild, [member]);
  outcomes.push(...joined.outcomes, auditOutcome(turn, auditAction.botAdd, bot.id));
  dispatches.push(...joined.dispatches);
  return { outcomes, dispatches, status: 201, json: bytesOf(memberJson(named, member)) };
}

function botRole(id: bigint, bot: Profile, permissions: bigint): Role {
  return {
    id,
    name: bot.globalName === "" ? bot.username : bot.globalName,
    permissions,
    color: 0,
    hoist: false,
    position: 1,
    managed: true,
    mentionable: false,
    botId: bot.id,
  };
}

/** Adds accounts that the operator's tool made. Those who are members stay as they are. */
export function decideAddPeople(turn: Turn, { people }: AddPeople): Decision {
  const guild = guildOf(turn.state);
  if (turn.actor !== undefined) throw new GuildhallError("MISSING_PERMISSIONS", "only the operator adds people");
  const joinedAt = isoOf(turn.nowMs);
  const added = [...new Map(people.map((profile) => [profile.id, profile])).values()].filter(
    ({ id }) => turn.member(id) === undefined,
  );
  if (added.length === 0) return { outcomes: [], dispatches: [], status: 204, json: noBytes };
  const members = added.map((profile): Member => ({ userId: profile.id, profile, roleIds: [], joinedAt }));
  const { outcomes, dispatches } = joining(turn.state.roles, guild, members);
  return { outcomes, dispatches, status: 204, json: noBytes };
}
