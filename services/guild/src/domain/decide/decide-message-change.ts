import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { DeleteMessage, EditMessage } from "@guildhall/proto";
import { bytesOf, noBytes } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { ChannelEnd, Member } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { renderEditedMessage } from "../render/render-edited-message.ts";
import { parseMessage } from "../render/render-message.ts";
import { userJson } from "../render/render-user.ts";
import { auditAction, auditOutcome } from "./audit.ts";
import { checkContent, embedsOf, isSystemMessage } from "./decide-message.ts";
import { dispatchOf, inChannel } from "./dispatch.ts";
import { allowedMentions, namedInText } from "./mentions.ts";
import { messageDispatch } from "./system-message.ts";
import { type Decision, has, type LoadedMessage, need, type Turn, visibleChannel } from "./turn.ts";

const suppressEmbeds = 1 << 2;

/** The message, or the refusal that it is not there. */
function existingMessage(turn: Turn, channelId: bigint, messageId: bigint): LoadedMessage {
  const message = turn.message(channelId, messageId);
  if (message === undefined) throw new GuildhallError("UNKNOWN_MESSAGE", `no message ${messageId}`);
  return message;
}

/** The end of a channel after an event that touched an older message. */
export function touchedEnd(turn: Turn, channelId: bigint): Outcome {
  const messageId = turn.state.ends.get(channelId)?.messageId ?? 0n;
  const end: ChannelEnd = { channelId, messageId, seq: turn.seq };
  return { of: "channel-end", end };
}

/** What a reply answers, as it is now; null when it is gone. */
function referencedIn(message: LoadedMessage | undefined): Record<string, unknown> | null {
  return message === undefined ? null : parseMessage(message.openJson);
}

/** Edits a message: its author all of it, who manages messages whether embeds are suppressed. */
export function decideEditMessage(turn: Turn, edit: EditMessage): Decision {
  const { channel, who, permissions } = visibleChannel(turn, edit.channelId);
  const before = existingMessage(turn, edit.channelId, edit.messageId);
  const shown = parseMessage(before.openJson);
  const own = before.authorId === who.member.userId;
  const flagsOnly = edit.content === undefined && edit.embedsJson === undefined;
  if (!own) {
    if (!flagsOnly) throw new GuildhallError("CANNOT_EDIT_OTHER_AUTHOR", "the message is another's");
    need(permissions, Permission.MANAGE_MESSAGES);
  }
  if (isSystemMessage(shown)) throw new GuildhallError("SYSTEM_MESSAGE", "system messages stay as they are");
  const { changed, pinged } = editedFields(turn, edit, shown, permissions);
  const { channelId, messageId, authorId, referenceId } = before;
  const mentionIds = pinged?.map(({ userId }) => userId) ?? before.mentionIds;
  const rendered = renderEditedMessage(turn.state, changed, {
    author: turn.member(before.authorId),
    channelType: channel.type,
    mentioned: mentionIds.flatMap((id) => turn.member(id) ?? []),
    ...(referenceId === 0n ? {} : { referenced: referencedIn(turn.message(channelId, referenceId)) }),
  });
  return {
    outcomes: [
      {
        of: "message",
        message: { channelId, messageId, authorId, mentionIds, openJson: rendered.openJson, referenceId },
      },
      touchedEnd(turn, channelId),
    ],
    dispatches: [messageDispatch("MESSAGE_UPDATE", channelId, rendered, [authorId, ...mentionIds])],
    status: 200,
    json: rendered.json,
  };
}

/** The message's object after an edit, and who it pings now; undefined when the content stays. */
function editedFields(
  turn: Turn,
  edit: EditMessage,
  shown: Readonly<Record<string, unknown>>,
  permissions: bigint,
): { changed: Record<string, unknown>; pinged: readonly Member[] | undefined } {
  const changed: Record<string, unknown> = { ...shown, tts: false };
  let pinged: readonly Member[] | undefined;
  if (edit.content !== undefined) {
    checkContent(edit.content);
    const { state, member } = turn;
    const named = namedInText(edit.content);
    const mentions = allowedMentions(state, named, edit.allowedMentions, permissions, member, undefined);
    pinged = mentions.members;
    changed.content = edit.content;
    changed.mentions = pinged.map(({ profile }) => JSON.parse(userJson(profile)));
    changed.mention_roles = mentions.roles.map(String);
    changed.mention_everyone = mentions.everyone;
  }
  if (edit.embedsJson !== undefined) changed.embeds = JSON.parse(embedsOf(edit.embedsJson, permissions));
  if (edit.flags !== undefined) {
    const flags = typeof shown.flags === "number" ? shown.flags : 0;
    changed.flags = (flags & ~suppressEmbeds) | (edit.flags & suppressEmbeds);
  }
  const isEmpty = String(changed.content).trim() === "" && JSON.stringify(changed.embeds) === "[]";
  if (isEmpty) throw new GuildhallError("EMPTY_MESSAGE", "nothing would be left");
  if (edit.content !== undefined || edit.embedsJson !== undefined) changed.edited_timestamp = isoOf(turn.nowMs);
  return { changed, pinged };
}

/** Deletes a message: one's own, or another's as who manages messages. */
export function decideDeleteMessage(turn: Turn, { channelId, messageId }: DeleteMessage): Decision {
  const { who, permissions } = visibleChannel(turn, channelId);
  const message = existingMessage(turn, channelId, messageId);
  const outcomes: Outcome[] = [{ of: "message-gone", channelId, messageId }, touchedEnd(turn, channelId)];
  if (message.authorId !== who.member.userId) {
    if (!has(permissions, Permission.MANAGE_MESSAGES)) {
      throw new GuildhallError("MISSING_PERMISSIONS", "the message is another's");
    }
    outcomes.push(auditOutcome(turn, auditAction.messageDelete, message.authorId));
  }
  const json = `{"id":"${messageId}","channel_id":"${channelId}","guild_id":"${turn.state.topic}"}`;
  const dispatch = dispatchOf("MESSAGE_DELETE", inChannel(channelId), bytesOf(json), { content: true });
  return { outcomes, dispatches: [dispatch], status: 204, json: noBytes };
}
