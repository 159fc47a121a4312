import { GuildhallError } from "@guildhall/errors";
import { allPermissions, canActOn, canActOnRole, Permission } from "@guildhall/permissions";
import type { CreateRole, DeleteRole, EditRole, GrantRole, RevokeRole } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import { bytesOf, noBytes } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Member, Role } from "../model/thing.ts";
import { channelJson } from "../render/render-channel.ts";
import { roleJson } from "../render/render-role.ts";
import { memberJson } from "../render/render-user.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { dispatchOf, everyone, inChannel } from "./dispatch.ts";
import { type Decision, guildOf, need, type Requester, rankOf, requesterOf, type Turn } from "./turn.ts";

/** Makes a role at the bottom: below all that are there, as of equal positions the older role is the higher. */
export function decideCreateRole(turn: Turn, command: CreateRole): Decision {
  const { state } = turn;
  guildOf(state);
  const who = requesterOf(turn);
  need(who.view.base, Permission.MANAGE_ROLES);
  const everyones = state.roles.get(state.topic)?.permissions ?? 0n;
  const permissions = (command.permissions ?? everyones) & allPermissions;
  needToGrant(who, permissions & ~everyones);
  if (state.roles.size >= limits.roles) throw new GuildhallError("MAX_ROLES", "too many roles");
  const role: Role = {
    id: turn.nextId(),
    name: command.name === "" ? "new role" : command.name,
    permissions,
    color: command.color,
    hoist: command.hoist,
    position: 1,
    managed: false,
    mentionable: command.mentionable,
    botId: 0n,
  };
  return {
    outcomes: [{ of: "role", role }, auditOutcome(turn, auditAction.roleCreate, role.id)],
    dispatches: [dispatchOf("GUILD_ROLE_CREATE", everyone, roleEvent(state, role))],
    status: 200,
    json: bytesOf(roleJson(role)),
  };
}

/** GUILD_ROLE_CREATE's and GUILD_ROLE_UPDATE's `d`. */
export function roleEvent(state: GuildState, role: Role): string {
  return `{"guild_id":"${state.topic}","role":${roleJson(role)}}`;
}

/** Only permissions one has may be changed in a role. */
function needToGrant(who: Requester, changed: bigint): void {
  if ((changed & ~who.view.base) !== 0n) {
    throw new GuildhallError("MISSING_PERMISSIONS", "only permissions one has can be granted");
  }
}

/** A role that the asker may manage: strictly below their highest. */
function manageableRole(turn: Turn, who: Requester, roleId: bigint): Role {
  const role = turn.state.roles.get(roleId);
  if (role === undefined) throw new GuildhallError("UNKNOWN_ROLE", `no role ${roleId}`);
  need(who.view.base, Permission.MANAGE_ROLES);
  if (
    role.id !== turn.state.topic &&
    !canActOnRole(guildOf(turn.state).ownerId, rankOf(turn.state, who.member), role)
  ) {
    throw new GuildhallError("MISSING_PERMISSIONS", "the role is not below one's highest");
  }
  return role;
}

/** Changes a role. */
export function decideEditRole(turn: Turn, edit: EditRole): Decision {
  guildOf(turn.state);
  const who = requesterOf(turn);
  const before = manageableRole(turn, who, edit.roleId);
  const permissions = edit.permissions === undefined ? before.permissions : edit.permissions & allPermissions;
  needToGrant(who, permissions ^ before.permissions);
  const role: Role = {
    ...before,
    name: edit.name ?? before.name,
    permissions,
    color: edit.color ?? before.color,
    hoist: edit.hoist ?? before.hoist,
    mentionable: edit.mentionable ?? before.mentionable,
  };
  return {
    outcomes: [{ of: "role", role }, auditOutcome(turn, auditAction.roleUpdate, role.id)],
    dispatches: [dispatchOf("GUILD_ROLE_UPDATE", everyone, roleEvent(turn.state, role))],
    status: 200,
    json: bytesOf(roleJson(role)),
  };
}

/** Deletes a role, and the overwrites that name it. Members go on naming it, which counts for nothing. */
export function decideDeleteRole(turn: Turn, { roleId }: DeleteRole): Decision {
  const { state } = turn;
  guildOf(state);
  const who = requesterOf(turn);
  const role = manageableRole(turn, who, roleId);
  if (role.managed || roleId === state.topic) throw new GuildhallError("INVALID_ROLE", "the role cannot be deleted");
  const outcomes: Outcome[] = [{ of: "role-gone", id: roleId }];
  const dispatches = [dispatchOf("GUILD_ROLE_DELETE", everyone, `{"guild_id":"${state.topic}","role_id":"${roleId}"}`)];
  for (const channel of state.channels.values()) {
    const overwrites = channel.overwrites.filter(({ id }) => id !== roleId);
    if (overwrites.length === channel.overwrites.length) continue;
    const without = { ...channel, overwrites };
    outcomes.push({ of: "channel", channel: without });
    dispatches.push(dispatchOf("CHANNEL_UPDATE", inChannel(channel.id), channelJson(state, without)));
  }
  outcomes.push(auditOutcome(turn, auditAction.roleDelete, roleId));
  return { outcomes, dispatches, status: 204, json: noBytes };
}

/** Gives a member a role, or takes it away. */
export function decideMemberRole(turn: Turn, change: GrantRole | RevokeRole, grant: boolean): Decision {
  const { state } = turn;
  const guild = guildOf(state);
  const who = requesterOf(turn);
  const target = turn.member(change.userId);
  if (target === undefined) throw new GuildhallError("UNKNOWN_MEMBER", `no member ${change.userId}`);
  const role = manageableRole(turn, who, change.roleId);
  if (role.managed || role.id === state.topic) throw new GuildhallError("INVALID_ROLE", "the role is not for members");
  if (target.roleIds.includes(role.id) === grant) {
    return { outcomes: [], dispatches: [], status: 204, json: noBytes };
  }
  const kept = target.roleIds.filter((id) => id !== role.id && state.roles.has(id));
  const member: Member = { ...target, roleIds: grant ? [...kept, role.id] : kept };
  const json = memberJson(state.roles, member, `,"guild_id":"${guild.id}"`);
  return {
    outcomes: [{ of: "member", member }, auditOutcome(turn, auditAction.memberRoleUpdate, member.userId)],
    dispatches: [dispatchOf("GUILD_MEMBER_UPDATE", everyone, json, { intentExemptUsers: [member.userId] })],
    status: 204,
    json: noBytes,
  };
}

/** Whether rank lets the asker act on a member. */
export function outranks(turn: Turn, who: Requester, target: Member): boolean {
  const { ownerId } = guildOf(turn.state);
  return canActOn(ownerId, rankOf(turn.state, who.member), rankOf(turn.state, target));
}
