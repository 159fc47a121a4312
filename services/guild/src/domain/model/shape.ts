import type { Overwrite } from "@guildhall/permissions";
import type { ChannelShape, GuildShape, OverwriteShape, RoleShape, ShapeChange } from "@guildhall/proto";
import type { Outcome } from "./outcome.ts";
import type { GuildState } from "./state.ts";
import type { Channel, Role } from "./thing.ts";

/** Everything that decides who sees what, as gateways get it. */
export function guildShapeOf(state: GuildState): GuildShape {
  return {
    guildId: state.topic,
    ownerId: state.guild?.ownerId ?? 0n,
    roles: Array.from(state.roles.values(), roleShape),
    channels: Array.from(state.channels.values(), channelShape),
  };
}

/**
 * What an outcome changes in the data that decides visibility; undefined for nothing. `state` is the one before it, so
 * that what stays the same (a renamed channel, a guild's new description) says nothing.
 */
export function shapeChangeOf(outcome: Outcome, state: GuildState): ShapeChange | undefined {
  switch (outcome.of) {
    case "guild":
      if (outcome.guild.deleted) return state.guild?.deleted ? undefined : { of: { $case: "guildGone", value: {} } };
      if (state.guild?.ownerId === outcome.guild.ownerId) return undefined;
      return { of: { $case: "owner", value: outcome.guild.ownerId } };
    case "channel":
      if (sameShape(state.channels.get(outcome.channel.id), outcome.channel)) return undefined;
      return { of: { $case: "channelPut", value: channelShape(outcome.channel) } };
    case "channel-gone":
      return { of: { $case: "channelDelete", value: outcome.id } };
    case "role":
      if (state.roles.get(outcome.role.id)?.permissions === outcome.role.permissions) return undefined;
      return { of: { $case: "rolePut", value: roleShape(outcome.role) } };
    case "role-gone":
      return { of: { $case: "roleDelete", value: outcome.id } };
    case "member": {
      const { userId, roleIds } = outcome.member;
      return { of: { $case: "memberRoles", value: { userId, roleIds: [...roleIds] } } };
    }
    case "member-gone":
      return { of: { $case: "memberGone", value: outcome.userId } };
    default:
      return undefined;
  }
}

function roleShape({ id, permissions }: Role): RoleShape {
  return { id, permissions };
}

function channelShape({ id, type, parentId, overwrites }: Channel): ChannelShape {
  return { id, type, parentId, overwrites: overwrites.map(overwriteShape) };
}

function overwriteShape({ id, kind, allow, deny }: Overwrite): OverwriteShape {
  return { id, type: kind === "member" ? 1 : 0, allow, deny };
}

function sameShape(before: Channel | undefined, after: Channel): boolean {
  if (before === undefined || before.type !== after.type || before.parentId !== after.parentId) return false;
  if (before.overwrites.length !== after.overwrites.length) return false;
  return before.overwrites.every((overwrite, index) => sameOverwrite(overwrite, after.overwrites[index] as Overwrite));
}

function sameOverwrite(a: Overwrite, b: Overwrite): boolean {
  return a.id === b.id && a.kind === b.kind && a.allow === b.allow && a.deny === b.deny;
}
