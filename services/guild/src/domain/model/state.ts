import { Permission } from "@guildhall/permissions";
import { makeVisibility, type View, type Visibility } from "@guildhall/visibility";
import type { Outcome } from "./outcome.ts";
import type { Channel, ChannelEnd, Guild, Invite, Member, Role } from "./thing.ts";

/** A guild's own state, whole in memory; members and messages are elsewhere, on demand. */
export interface GuildState {
  readonly topic: bigint;
  /** Undefined until the guild has been made. */
  readonly guild: Guild | undefined;
  readonly channels: ReadonlyMap<bigint, Channel>;
  readonly roles: ReadonlyMap<bigint, Role>;
  readonly invites: ReadonlyMap<string, Invite>;
  readonly ends: ReadonlyMap<bigint, ChannelEnd>;
  /** Assigns an outcome. What is not kept here (members, messages) changes nothing. */
  assign(outcome: Outcome): void;
  /** Who sees what, by the state as it is now. */
  visibility(): Visibility;
  viewOf(member: Pick<Member, "userId" | "roleIds">): View;
  /** Whether every member sees the channel whatever their roles, so that nobody can gain it. */
  isOpen(channelId: bigint): boolean;
}

/** Makes the empty state of a topic. */
export function makeGuildState(topic: bigint): GuildState {
  let guild: Guild | undefined;
  let visibility: Visibility | undefined;
  const channels = new Map<bigint, Channel>();
  const roles = new Map<bigint, Role>();
  const invites = new Map<string, Invite>();
  const ends = new Map<bigint, ChannelEnd>();

  const visible = (): Visibility => {
    visibility ??= makeVisibility({
      guildId: topic,
      ownerId: guild?.ownerId ?? 0n,
      roles: [...roles.values()],
      channels: [...channels.values()],
    });
    return visibility;
  };

  const assignChannel = (outcome: Extract<Outcome, { of: "channel" | "channel-gone" }>): void => {
    if (outcome.of === "channel") {
      channels.set(outcome.channel.id, outcome.channel);
      visibility?.apply({ kind: "channel-put", channel: outcome.channel });
    } else {
      channels.delete(outcome.id);
      visibility?.apply({ kind: "channel-delete", id: outcome.id });
    }
  };

  const assignRole = (outcome: Extract<Outcome, { of: "role" | "role-gone" }>): void => {
    if (outcome.of === "role") {
      roles.set(outcome.role.id, outcome.role);
      visibility?.apply({ kind: "role-put", role: outcome.role });
    } else {
      roles.delete(outcome.id);
      visibility?.apply({ kind: "role-delete", id: outcome.id });
    }
  };

  const assign = (outcome: Outcome): void => {
    switch (outcome.of) {
      case "guild":
        if (guild?.ownerId !== outcome.guild.ownerId) {
          visibility?.apply({ kind: "owner", userId: outcome.guild.ownerId });
        }
        guild = outcome.guild;
        break;
      case "channel":
      case "channel-gone":
        assignChannel(outcome);
        break;
      case "channel-end":
        ends.set(outcome.end.channelId, outcome.end);
        break;
      case "channel-end-gone":
        ends.delete(outcome.id);
        break;
      case "role":
      case "role-gone":
        assignRole(outcome);
        break;
      case "invite":
        invites.set(outcome.invite.code, outcome.invite);
        break;
      case "invite-gone":
        invites.delete(outcome.code);
        break;
      default:
        break;
    }
  };

  return {
    topic,
    get guild() {
      return guild;
    },
    channels,
    roles,
    invites,
    ends,
    assign,
    visibility: visible,
    viewOf: ({ userId, roleIds }) => visible().viewOf({ userId, roleIds }),
    isOpen(channelId) {
      const everyone = roles.get(topic)?.permissions ?? 0n;
      if ((everyone & (Permission.VIEW_CHANNEL | Permission.ADMINISTRATOR)) === 0n) return false;
      const channel = channels.get(channelId);
      return channel?.overwrites.every(({ deny, allow }) => (deny & ~allow & Permission.VIEW_CHANNEL) === 0n) ?? false;
    },
  };
}
