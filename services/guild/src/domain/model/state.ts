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
  /** What a member may see and do, by the state as it is now. */
  viewOf(member: Pick<Member, "userId" | "roleIds">): View;
  /** Whether every member sees the channel whatever their roles, so that nobody can gain it. */
  isOpen(channelId: bigint): boolean;
}

/** Makes the empty state of a topic. */
export function makeGuildState(topic: bigint): GuildState {
  return new State(topic);
}

class State implements GuildState {
  readonly topic: bigint;
  guild: Guild | undefined;
  readonly channels = new Map<bigint, Channel>();
  readonly roles = new Map<bigint, Role>();
  readonly invites = new Map<string, Invite>();
  readonly ends = new Map<bigint, ChannelEnd>();
  // Made when first asked for, as opening a topic assigns many rows first.
  #visibility: Visibility | undefined;

  constructor(topic: bigint) {
    this.topic = topic;
  }

  assign(outcome: Outcome): void {
    switch (outcome.of) {
      case "guild":
        this.#visibility?.apply({ kind: "owner", userId: outcome.guild.ownerId });
        this.guild = outcome.guild;
        break;
      case "channel":
        this.#visibility?.apply({ kind: "channel-put", channel: outcome.channel });
        this.channels.set(outcome.channel.id, outcome.channel);
        break;
      case "channel-gone":
        this.#visibility?.apply({ kind: "channel-delete", id: outcome.id });
        this.channels.delete(outcome.id);
        break;
      case "channel-end":
        this.ends.set(outcome.end.channelId, outcome.end);
        break;
      case "channel-end-gone":
        this.ends.delete(outcome.id);
        break;
      case "role":
        this.#visibility?.apply({ kind: "role-put", role: outcome.role });
        this.roles.set(outcome.role.id, outcome.role);
        break;
      case "role-gone":
        this.#visibility?.apply({ kind: "role-delete", id: outcome.id });
        this.roles.delete(outcome.id);
        break;
      case "invite":
        this.invites.set(outcome.invite.code, outcome.invite);
        break;
      case "invite-gone":
        this.invites.delete(outcome.code);
        break;
      default:
        break;
    }
  }

  viewOf({ userId, roleIds }: Pick<Member, "userId" | "roleIds">): View {
    this.#visibility ??= makeVisibility({
      guildId: this.topic,
      ownerId: this.guild?.ownerId ?? 0n,
      roles: [...this.roles.values()],
      channels: [...this.channels.values()],
    });
    return this.#visibility.viewOf({ userId, roleIds });
  }

  isOpen(channelId: bigint): boolean {
    const everyone = this.roles.get(this.topic)?.permissions ?? 0n;
    if ((everyone & (Permission.VIEW_CHANNEL | Permission.ADMINISTRATOR)) === 0n) return false;
    const channel = this.channels.get(channelId);
    return channel?.overwrites.every(({ deny, allow }) => (deny & ~allow & Permission.VIEW_CHANNEL) === 0n) ?? false;
  }
}
