import type { FieldError } from "@guildhall/errors";
import { GuildhallError } from "@guildhall/errors";
import { highestRole, Permission, type RankedMember } from "@guildhall/permissions";
import type { Actor, Dispatch, Profile } from "@guildhall/proto";
import type { View } from "@guildhall/visibility";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Channel, Guild, Member, Message } from "../model/thing.ts";

/** A message with its reactions: the people who reacted, by `emojiKey`. */
export interface LoadedMessage extends Message {
  readonly reactions: ReadonlyMap<string, ReadonlySet<bigint>>;
}

/** Ids or a code that the directory was told of before the decision. */
export interface Reserved {
  readonly channelIds: readonly bigint[];
  readonly code: string;
}

/** All that one decision may look at. Members and messages are those that `required` named, undefined where there is none. */
export interface Turn {
  readonly state: GuildState;
  readonly actor: Actor | undefined;
  readonly reason: string;
  readonly nowMs: number;
  /** The seq that the event will have. */
  readonly seq: bigint;
  readonly member: (userId: bigint) => Member | undefined;
  readonly message: (channelId: bigint, messageId: bigint) => LoadedMessage | undefined;
  /** The next id of the topic; each call makes another. */
  readonly nextId: () => bigint;
  readonly reserved: Reserved | undefined;
  /** When somebody's slowmode in a channel lets them send again (Unix ms); 0 for now. */
  readonly slowUntilMs: (userId: bigint, channelId: bigint) => number;
}

/** What a command comes to: outcomes to be journaled and applied, dispatches, and the answer. */
export interface Decision {
  readonly outcomes: readonly Outcome[];
  readonly dispatches: readonly Dispatch[];
  readonly status: number;
  readonly json: Buffer;
  /** The sender has to wait this long before the next message in the channel. */
  readonly slow?: { readonly userId: bigint; readonly channelId: bigint; readonly untilMs: number };
}

/** What the directory has to know before the command can be decided: so many channel ids, or an invite's code. */
export interface Reservation {
  readonly reserve: { readonly channels: number; readonly code: string };
}

/** Who asks, as a member of the guild. */
export interface Requester {
  readonly profile: Profile;
  readonly member: Member;
  readonly view: View;
  readonly isOwner: boolean;
}

/** Whether a decision has to wait for the directory. */
export function isReservation(outcome: Decision | Reservation): outcome is Reservation {
  return "reserve" in outcome;
}

/** A refusal of a request that names one field. */
export function invalidField(path: readonly string[], code: string, message: string): GuildhallError {
  const fields: readonly FieldError[] = [{ path, code, message }];
  return new GuildhallError("INVALID_FORM", message, { fields });
}

/** The guild, if it is there. */
export function guildOf(state: GuildState): Guild {
  const { guild } = state;
  if (guild === undefined || guild.deleted) throw new GuildhallError("UNKNOWN_GUILD", `no guild ${state.topic}`);
  return guild;
}

/** Who asks, who must be a member. */
export function requesterOf(turn: Pick<Turn, "state" | "actor" | "member">): Requester {
  const profile = turn.actor?.profile;
  const member = profile === undefined ? undefined : turn.member(profile.id);
  if (profile === undefined || member === undefined) {
    throw new GuildhallError("MISSING_ACCESS", "not a member of the guild");
  }
  const view = turn.state.viewOf(member);
  return { profile, member, view, isOwner: turn.state.guild?.ownerId === member.userId };
}

/** Refuses unless all bits are there. */
export function need(permissions: bigint, bits: bigint): void {
  if ((permissions & bits) !== bits) throw new GuildhallError("MISSING_PERMISSIONS", "permissions are missing");
}

/** Whether all bits are there. */
export function has(permissions: bigint, bits: bigint): boolean {
  return (permissions & bits) === bits;
}

/** A channel of a guild that is there; it may be hidden. */
export function existingChannel(state: GuildState, channelId: bigint): Channel {
  const channel = state.guild?.deleted === false ? state.channels.get(channelId) : undefined;
  if (channel === undefined) throw new GuildhallError("UNKNOWN_CHANNEL", `no channel ${channelId}`);
  return channel;
}

/** A channel that the asker sees, who asks, and what they may do there. */
export function visibleChannel(
  turn: Pick<Turn, "state" | "actor" | "member">,
  channelId: bigint,
): { channel: Channel; who: Requester; permissions: bigint } {
  const channel = existingChannel(turn.state, channelId);
  const who = requesterOf(turn);
  const permissions = who.view.permissionsIn(channelId);
  if (!has(permissions, Permission.VIEW_CHANNEL)) throw new GuildhallError("MISSING_ACCESS", "channel is hidden");
  return { channel, who, permissions };
}

/** A member's rank. */
export function rankOf(state: GuildState, member: Member): RankedMember {
  const roles = member.roleIds.flatMap((id) => state.roles.get(id) ?? []);
  return { userId: member.userId, highest: highestRole(roles) };
}
