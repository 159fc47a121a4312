import { type MembershipRow, type Row, StateKind, type StateRow } from "@guildhall/proto";
import { noBytes } from "./bytes.ts";
import {
  decodeChannel,
  decodeChannelEnd,
  decodeGuild,
  decodeInvite,
  decodeMember,
  decodeRole,
  encodeAudit,
  encodeChannel,
  encodeChannelEnd,
  encodeGuild,
  encodeInvite,
  encodeMember,
  encodeRole,
} from "./codec.ts";
import type { AuditEntry, Channel, ChannelEnd, Guild, Invite, Member, Message, Reaction, Role } from "./thing.ts";

/** One thing after a change. Records hold outcomes as rows; a topic's state is what its rows assign, in order. */
export type Outcome =
  | { readonly of: "guild"; readonly guild: Guild }
  | { readonly of: "channel"; readonly channel: Channel }
  | { readonly of: "channel-gone"; readonly id: bigint }
  | { readonly of: "channel-end"; readonly end: ChannelEnd }
  | { readonly of: "channel-end-gone"; readonly id: bigint }
  | { readonly of: "role"; readonly role: Role }
  | { readonly of: "role-gone"; readonly id: bigint }
  | { readonly of: "invite"; readonly invite: Invite }
  | { readonly of: "invite-gone"; readonly code: string }
  | { readonly of: "audit"; readonly entry: AuditEntry }
  | { readonly of: "member"; readonly member: Member }
  | { readonly of: "member-gone"; readonly userId: bigint }
  | { readonly of: "membership"; readonly userId: bigint; readonly member: boolean; readonly joinedAt: string }
  | { readonly of: "message"; readonly message: Message }
  | { readonly of: "message-gone"; readonly channelId: bigint; readonly messageId: bigint }
  | { readonly of: "reaction"; readonly reaction: Reaction }
  | { readonly of: "reaction-gone"; readonly reaction: Reaction };

/** Where a row is written: the record's topic, epoch, seq and time. */
export interface RowPlace {
  readonly topic: bigint;
  readonly epoch: number;
  readonly seq: bigint;
  /** Microseconds. */
  readonly ts: bigint;
}

// A channel's end lies beside the channel, so that a message does not write the whole channel.
const endSuffix = ":end";

/** The row of an outcome. */
export function rowOf(outcome: Outcome, place: RowPlace): Row {
  const { topic, seq, ts } = place;
  const state = (kind: StateKind, key: string, value: Buffer | undefined): Row => ({
    ts,
    deleted: value === undefined,
    of: { $case: "state", value: { topic, kind, key, value: value ?? noBytes } },
  });
  switch (outcome.of) {
    case "guild":
      return state(StateKind.STATE_KIND_GUILD, `${outcome.guild.id}`, encodeGuild(outcome.guild));
    case "channel":
      return state(StateKind.STATE_KIND_CHANNEL, `${outcome.channel.id}`, encodeChannel(outcome.channel));
    case "channel-gone":
      return state(StateKind.STATE_KIND_CHANNEL, `${outcome.id}`, undefined);
    case "channel-end": {
      const { channelId } = outcome.end;
      return state(StateKind.STATE_KIND_CHANNEL, `${channelId}${endSuffix}`, encodeChannelEnd(outcome.end));
    }
    case "channel-end-gone":
      return state(StateKind.STATE_KIND_CHANNEL, `${outcome.id}${endSuffix}`, undefined);
    case "role":
      return state(StateKind.STATE_KIND_ROLE, `${outcome.role.id}`, encodeRole(outcome.role));
    case "role-gone":
      return state(StateKind.STATE_KIND_ROLE, `${outcome.id}`, undefined);
    case "invite":
      return state(StateKind.STATE_KIND_INVITE, outcome.invite.code, encodeInvite(outcome.invite));
    case "invite-gone":
      return state(StateKind.STATE_KIND_INVITE, outcome.code, undefined);
    case "audit":
      return state(StateKind.STATE_KIND_AUDIT, `${outcome.entry.id}`, encodeAudit(outcome.entry));
    case "member":
    case "member-gone":
    case "membership":
      return memberRowOf(outcome, place);
    case "message":
      return { ts, deleted: false, of: { $case: "message", value: messageRow(outcome.message, seq) } };
    case "message-gone": {
      const gone = { ...outcome, authorId: 0n, mentionIds: [], openJson: noBytes, referenceId: 0n };
      return { ts, deleted: true, of: { $case: "message", value: messageRow(gone, seq) } };
    }
    case "reaction":
    case "reaction-gone":
      return {
        ts,
        deleted: outcome.of === "reaction-gone",
        of: { $case: "reaction", value: { ...outcome.reaction, seq } },
      };
    default:
      return outcome satisfies never;
  }
}

type OfMember = Extract<Outcome, { of: "member" | "member-gone" | "membership" }>;

function memberRowOf(outcome: OfMember, { topic, epoch, seq, ts }: RowPlace): Row {
  switch (outcome.of) {
    case "member": {
      const value = { topic, userId: outcome.member.userId, value: encodeMember(outcome.member) };
      return { ts, deleted: false, of: { $case: "member", value } };
    }
    case "member-gone":
      return { ts, deleted: true, of: { $case: "member", value: { topic, userId: outcome.userId, value: noBytes } } };
    case "membership": {
      const { userId, member, joinedAt } = outcome;
      const value: MembershipRow = { userId, guildId: topic, epoch, seq, member, joinedAt };
      return { ts, deleted: false, of: { $case: "membership", value } };
    }
    default:
      return outcome satisfies never;
  }
}

function messageRow({ mentionIds, ...message }: Message, seq: bigint) {
  const { channelId, messageId, authorId, openJson, referenceId } = message;
  return { channelId, messageId, authorId, mentionIds: [...mentionIds], openJson, seq, referenceId };
}

/** The outcome that a row holds; undefined for one that means nothing to a guild's state (audit, membership). */
export function outcomeOf(row: Row): Outcome | undefined {
  const { of, deleted } = row;
  switch (of?.$case) {
    case "state":
      return stateOutcome(of.value, deleted);
    case "member": {
      const { userId, value } = of.value;
      return deleted ? { of: "member-gone", userId } : { of: "member", member: decodeMember(value) };
    }
    case "message": {
      const { channelId, messageId } = of.value;
      return deleted ? { of: "message-gone", channelId, messageId } : { of: "message", message: of.value };
    }
    case "reaction":
      return { of: deleted ? "reaction-gone" : "reaction", reaction: of.value };
    case "membership":
    case undefined:
      return undefined;
    default:
      return of satisfies never;
  }
}

function stateOutcome({ kind, key, value }: StateRow, deleted: boolean): Outcome | undefined {
  switch (kind) {
    case StateKind.STATE_KIND_GUILD:
      return deleted ? undefined : { of: "guild", guild: decodeGuild(value) };
    case StateKind.STATE_KIND_CHANNEL: {
      const isEnd = key.endsWith(endSuffix);
      const id = BigInt(isEnd ? key.slice(0, -endSuffix.length) : key);
      if (isEnd) {
        return deleted ? { of: "channel-end-gone", id } : { of: "channel-end", end: decodeChannelEnd(id, value) };
      }
      return deleted ? { of: "channel-gone", id } : { of: "channel", channel: decodeChannel(value) };
    }
    case StateKind.STATE_KIND_ROLE:
      return deleted ? { of: "role-gone", id: BigInt(key) } : { of: "role", role: decodeRole(value) };
    case StateKind.STATE_KIND_INVITE:
      return deleted ? { of: "invite-gone", code: key } : { of: "invite", invite: decodeInvite(value) };
    default:
      return undefined;
  }
}
