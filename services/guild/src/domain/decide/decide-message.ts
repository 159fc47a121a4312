import { GuildhallError } from "@guildhall/errors";
import { Permission } from "@guildhall/permissions";
import type { CreateMessage } from "@guildhall/proto";
import { limits } from "@guildhall/protocol";
import type { Channel } from "../model/thing.ts";
import { parseMessage, renderMessage } from "../render/render-message.ts";
import { allowedMentions, namedInText } from "./mentions.ts";
import { renewedProfile } from "./renewed-profile.ts";
import { messageDispatch } from "./system-message.ts";
import {
  type Decision,
  has,
  invalidField,
  type LoadedMessage,
  need,
  type Requester,
  type Turn,
  visibleChannel,
} from "./turn.ts";

const textChannels: ReadonlySet<number> = new Set([0, 2, 5, 13]);
const replyType = 19;

// SUPPRESS_EMBEDS and SUPPRESS_NOTIFICATIONS are what a sender may set.
const settableFlags = (1 << 2) | (1 << 12);

/** Types of messages that people write; all others are the system's. */
const writtenTypes: ReadonlySet<unknown> = new Set([0, replyType, 20, 23]);

/** Whether a message was made by the system, so that it cannot be replied to or edited. */
export function isSystemMessage(message: Readonly<Record<string, unknown>>): boolean {
  return !writtenTypes.has(message.type);
}

/** Refuses content over 2,000 code points. */
export function checkContent(content: string): void {
  // Code units are at least as many as code points, and cheaper to count.
  if (content.length <= limits.content || [...content].length <= limits.content) return;
  throw invalidField(["content"], "BASE_TYPE_MAX_LENGTH", `Must be ${limits.content} or fewer in length.`);
}

/** Embeds as they are kept: always of type "rich"; none for who may not embed. */
export function embedsOf(embedsJson: string, permissions: bigint): string {
  if (embedsJson === "" || embedsJson === "[]" || !has(permissions, Permission.EMBED_LINKS)) return "[]";
  const embeds = JSON.parse(embedsJson) as object[];
  return JSON.stringify(embeds.map((embed) => ({ ...embed, type: "rich" })));
}

/** Posts a message. */
export function decideCreateMessage(turn: Turn, command: CreateMessage): Decision {
  const { channel, who, permissions } = visibleChannel(turn, command.channelId);
  if (!textChannels.has(channel.type)) throw new GuildhallError("NOT_TEXT_CHANNEL", "no text is sent here");
  need(permissions, Permission.SEND_MESSAGES);
  if (command.tts) need(permissions, Permission.SEND_TTS_MESSAGES);
  checkContent(command.content);
  const embedsJson = embedsOf(command.embedsJson, permissions);
  if (command.content.trim() === "" && embedsJson === "[]") {
    throw new GuildhallError("EMPTY_MESSAGE", "nothing to send");
  }
  const replied = repliedMessage(turn, command, permissions);
  const untilMs = slowmode(turn, channel, who, permissions);
  const named = namedInText(command.content);
  const repliedAuthor = replied?.message?.authorId;
  const mentions = allowedMentions(turn.state, named, command.allowedMentions, permissions, turn.member, repliedAuthor);
  const id = turn.nextId();
  const mentionIds = mentions.members.map(({ userId }) => userId);
  const rendered = renderMessage(
    turn.state,
    {
      id,
      channelId: channel.id,
      type: replied === undefined ? 0 : replyType,
      author: who.profile,
      content: command.content,
      embedsJson,
      mentions: mentions.members,
      mentionRoles: mentions.roles,
      mentionEveryone: mentions.everyone,
      tts: command.tts,
      flags: command.flags & settableFlags,
      ...(replied === undefined ? {} : { reference: referenceTo(turn, replied) }),
    },
    { author: who.member, channelType: channel.type, nonceJson: command.nonceJson },
  );
  const { userId } = who.member;
  const renewed = renewedProfile(turn.state, who);
  return {
    outcomes: [
      {
        of: "message",
        message: {
          channelId: channel.id,
          messageId: id,
          authorId: userId,
          mentionIds,
          openJson: rendered.openJson,
          referenceId: replied?.messageId ?? 0n,
        },
      },
      { of: "channel-end", end: { channelId: channel.id, messageId: id, seq: turn.seq } },
      ...renewed.outcomes,
    ],
    dispatches: [
      ...renewed.dispatches,
      messageDispatch("MESSAGE_CREATE", channel.id, rendered, [userId, ...mentionIds]),
    ],
    status: 200,
    json: rendered.json,
    ...(untilMs === undefined ? {} : { slow: { userId, channelId: channel.id, untilMs } }),
  };
}

interface Replied {
  readonly messageId: bigint;
  /** Undefined when it is not there. */
  readonly message: LoadedMessage | undefined;
}

/** What is replied to, when the message is a reply. */
function repliedMessage(turn: Turn, command: CreateMessage, permissions: bigint): Replied | undefined {
  const { reference } = command;
  if (reference === undefined) return undefined;
  if (!has(permissions, Permission.READ_MESSAGE_HISTORY)) {
    throw new GuildhallError("REPLY_NEEDS_HISTORY", "replying needs the history");
  }
  const { messageId } = reference;
  const message = turn.message(command.channelId, messageId);
  const unusable = message === undefined || isSystemMessage(parseMessage(message.openJson));
  if (!unusable) return { messageId, message };
  if (!reference.failIfNotExists) return undefined;
  const path = ["message_reference"];
  throw invalidField(path, "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
}

function referenceTo(turn: Turn, { messageId, message }: Replied) {
  const referencedJson = message === undefined ? "null" : `${message.openJson}}`;
  return { messageId, guildId: turn.state.topic, referencedJson };
}

/** Refuses a message that comes too soon; until when the next has to wait, undefined where slowmode does not apply. */
function slowmode(turn: Turn, channel: Channel, who: Requester, permissions: bigint): number | undefined {
  if (channel.rateLimitPerUser === 0 || who.profile.bot) return undefined;
  const { BYPASS_SLOWMODE, MANAGE_MESSAGES, MANAGE_CHANNELS } = Permission;
  if ((permissions & (BYPASS_SLOWMODE | MANAGE_MESSAGES | MANAGE_CHANNELS)) !== 0n) return undefined;
  const waitMs = turn.slowUntilMs(who.member.userId, channel.id) - turn.nowMs;
  if (waitMs > 0) throw new GuildhallError("SLOWMODE", "slowmode", { retryAfterMs: Math.ceil(waitMs) });
  return turn.nowMs + channel.rateLimitPerUser * 1000;
}
