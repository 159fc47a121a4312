import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { HistoryGrant, Read, ReadResult } from "@guildhall/proto";
import { liveInvite } from "../decide/decide-invite.ts";
import type { Required } from "../decide/required.ts";
import { guildOf, has, requesterOf, visibleChannel } from "../decide/turn.ts";
import type { ReadTurn } from "../hosting/topic-actor.ts";
import { bytesOf } from "../model/bytes.ts";
import type { Member } from "../model/thing.ts";
import { channelJson } from "../render/render-channel.ts";
import { countFields, guildJson } from "../render/render-guild.ts";
import { inviteJson } from "../render/render-invite.ts";
import { roleJson } from "../render/render-role.ts";
import { memberJson } from "../render/render-user.ts";
import { tailOfMessage, trimmedTail } from "./trimmed-tail.ts";

/** What a read needs in memory. */
export function requiredByRead({ actor, body }: Read): Required {
  const members = actor?.profile === undefined ? [] : [actor.profile.id];
  if (body?.$case === "getMember") members.push(body.value.userId);
  return { members, messages: [] };
}

/** Answers a read from one moment of the topic. `listed` are the members that a list asked for. */
export function answerRead(turn: ReadTurn, { body }: Read, listed: readonly Member[]): ReadResult {
  const { state } = turn;
  switch (body?.$case) {
    case "getGuild": {
      const guild = guildOf(state);
      requesterOf(turn);
      return json(guildJson(state, guild, body.value.withCounts));
    }
    case "getPartialGuild":
      return json(partialGuild(turn, body.value.withCounts));
    case "listChannels": {
      guildOf(state);
      const { view } = requesterOf(turn);
      const visible = [...state.channels.values()].filter(({ id }) => view.canSee(id));
      return json(`[${visible.map((channel) => channelJson(state, channel)).join(",")}]`);
    }
    case "getChannel":
      return json(channelJson(state, visibleChannel(turn, body.value.channelId).channel));
    case "listRoles":
      guildOf(state);
      requesterOf(turn);
      return json(`[${Array.from(state.roles.values(), roleJson).join(",")}]`);
    case "getMember": {
      guildOf(state);
      requesterOf(turn);
      const member = turn.member(body.value.userId);
      if (member === undefined) throw new GuildhallError("UNKNOWN_MEMBER", `no member ${body.value.userId}`);
      return json(memberJson(state.roles, member));
    }
    case "listMembers":
      guildOf(state);
      requesterOf(turn);
      return json(`[${listed.map((member) => memberJson(state.roles, member)).join(",")}]`);
    case "getInvite": {
      const invite = liveInvite(state, body.value.code, turn.nowMs);
      return json(inviteJson(state, invite, { counts: body.value.withCounts }));
    }
    case "listMessages":
      return { of: { $case: "history", value: pageGrant(turn, body.value) } };
    case "getMessage":
      return { of: { $case: "history", value: messageGrant(turn, body.value.channelId, body.value.messageId) } };
    case undefined:
      throw new GuildhallError("INVALID_FORM", "a read without a body");
    default:
      return body satisfies never;
  }
}

function json(text: string): ReadResult {
  return { of: { $case: "json", value: bytesOf(text) } };
}

function partialGuild(turn: ReadTurn, withCounts: boolean): string {
  const guild = guildOf(turn.state);
  const { view, isOwner } = requesterOf(turn);
  const counts = withCounts ? `,${countFields(guild)}` : "";
  return (
    `{"id":"${guild.id}","name":${JSON.stringify(guild.name)},"icon":null,"banner":null,"owner":${isOwner},` +
    `"permissions":"${view.base}","features":[]${counts}}`
  );
}

/** History of a channel. Without READ_MESSAGE_HISTORY a page is empty. */
function pageGrant(
  turn: ReadTurn,
  page: { channelId: bigint; before: bigint; after: bigint; around: bigint; limit: number },
): HistoryGrant {
  const { permissions, channel } = visibleChannel(turn, page.channelId);
  const empty = !canReadHistory(permissions, channel.type);
  return { ...grant(turn, channel.id), tail: empty ? [] : trimmedTail(turn.tail.ofChannel(channel.id), page), empty };
}

/** One message. */
function messageGrant(turn: ReadTurn, channelId: bigint, messageId: bigint): HistoryGrant {
  const { permissions, channel } = visibleChannel(turn, channelId);
  if (!canReadHistory(permissions, channel.type)) throw new GuildhallError("MISSING_ACCESS", "no history here");
  return { ...grant(turn, channelId), tail: tailOfMessage(turn.tail.ofChannel(channelId), messageId) };
}

function grant({ state }: ReadTurn, channelId: bigint): HistoryGrant {
  return { channelId, lastSeq: state.ends.get(channelId)?.seq ?? 0n, tail: [], empty: false };
}

/** In voice channels one has to be able to connect, too. */
function canReadHistory(permissions: bigint, type: number): boolean {
  const voice = type === 2 || type === 13 ? Permission.CONNECT : 0n;
  return has(permissions, Permission.READ_MESSAGE_HISTORY | voice);
}
