import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { AddReaction, Emoji, RemoveReaction, StartTyping } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import { noBytes } from "../model/bytes.ts";
import { emojiKey } from "../model/thing.ts";
import { emojiJson } from "../render/render-emoji.ts";
import { memberFields, memberJson, userJson } from "../render/render-user.ts";
import { touchedEnd } from "./decide-message-change.ts";
import { dispatchOf, inChannel } from "./dispatch.ts";
import { type Decision, type LoadedMessage, need, type Turn, visibleChannel } from "./turn.ts";

const nothing: Decision = { outcomes: [], dispatches: [], status: 204, json: noBytes };

function reactedMessage(turn: Turn, channelId: bigint, messageId: bigint): LoadedMessage {
  const message = turn.message(channelId, messageId);
  if (message === undefined) throw new GuildhallError("UNKNOWN_MESSAGE", `no message ${messageId}`);
  return message;
}

function emojiOf(emoji: Emoji | undefined): Emoji {
  if (emoji === undefined || emoji.name === "") throw new GuildhallError("UNKNOWN_EMOJI", "no emoji given");
  return emoji;
}

/** Reacts to a message. The first of a kind needs ADD_REACTIONS; reacting twice changes nothing. */
export function decideAddReaction(turn: Turn, command: AddReaction): Decision {
  const { channelId, messageId } = command;
  const { who, permissions } = visibleChannel(turn, channelId);
  const { reactions, authorId } = reactedMessage(turn, channelId, messageId);
  const emoji = emojiOf(command.emoji);
  const { userId } = who.member;
  need(permissions, Permission.READ_MESSAGE_HISTORY);
  const already = reactions.get(emojiKey(emoji.id, emoji.name));
  if (already === undefined || already.size === 0) {
    need(permissions, Permission.ADD_REACTIONS);
    if (reactions.size >= limits.reactions) throw new GuildhallError("MAX_REACTIONS", "too many kinds of reactions");
  }
  if (already?.has(userId)) return nothing;
  const { state } = turn;
  const json =
    `{"user_id":"${userId}","channel_id":"${channelId}","message_id":"${messageId}","guild_id":"${state.topic}",` +
    `"member":${memberJson(state.roles, who.member)},"emoji":${emojiJson(emoji.id, emoji.name)},` +
    `"message_author_id":"${authorId}","burst":false,"type":0}`;
  const reaction = { channelId, messageId, emojiId: emoji.id, emojiName: emoji.name, userId };
  return {
    ...nothing,
    outcomes: [{ of: "reaction", reaction }, touchedEnd(turn, channelId)],
    dispatches: [dispatchOf("MESSAGE_REACTION_ADD", inChannel(channelId), json, { content: true })],
  };
}

/** Takes one's own reaction back. */
export function decideRemoveReaction(turn: Turn, command: RemoveReaction): Decision {
  const { channelId, messageId } = command;
  const { who, permissions } = visibleChannel(turn, channelId);
  const { reactions } = reactedMessage(turn, channelId, messageId);
  const emoji = emojiOf(command.emoji);
  const { userId } = who.member;
  need(permissions, Permission.READ_MESSAGE_HISTORY);
  if (!reactions.get(emojiKey(emoji.id, emoji.name))?.has(userId)) return nothing;
  const json =
    `{"user_id":"${userId}","channel_id":"${channelId}","message_id":"${messageId}",` +
    `"guild_id":"${turn.state.topic}","emoji":${emojiJson(emoji.id, emoji.name)},"burst":false,"type":0}`;
  const reaction = { channelId, messageId, emojiId: emoji.id, emojiName: emoji.name, userId };
  return {
    ...nothing,
    outcomes: [{ of: "reaction-gone", reaction }, touchedEnd(turn, channelId)],
    dispatches: [dispatchOf("MESSAGE_REACTION_REMOVE", inChannel(channelId), json, { content: true })],
  };
}

/** Says that somebody types; nothing is journaled, the one dispatch is for the ephemeral lane. */
export function decideStartTyping(turn: Turn, { channelId }: StartTyping): Decision {
  const { who, permissions } = visibleChannel(turn, channelId);
  need(permissions, Permission.SEND_MESSAGES);
  const { state, nowMs } = turn;
  const { userId } = who.member;
  const member = `{"user":${userJson(who.profile)},${memberFields(state.roles, who.member)}}`;
  const json =
    `{"channel_id":"${channelId}","guild_id":"${state.topic}","user_id":"${userId}",` +
    `"timestamp":${Math.floor(nowMs / 1000)},"member":${member}}`;
  return { ...nothing, dispatches: [dispatchOf("TYPING_START", inChannel(channelId), json, { content: true })] };
}
