import type { Dispatch } from "@guildhall/proto";
import type { GuildState } from "../model/state.ts";
import type { Channel, Member } from "../model/thing.ts";
import { type RenderedMessage, renderMessage } from "../render/render-message.ts";
import { dispatchOf, inChannel } from "./dispatch.ts";

/** A message without content that the guild itself posts in a member's name. */
export function renderSystemMessage(
  state: GuildState,
  channel: Channel,
  id: bigint,
  type: number,
  author: Member,
): RenderedMessage {
  return renderMessage(
    state,
    {
      id,
      channelId: channel.id,
      type,
      author: author.profile,
      content: "",
      embedsJson: "[]",
      mentions: [],
      mentionRoles: [],
      mentionEveryone: false,
      tts: false,
      flags: 0,
    },
    { author, channelType: channel.type, nonceJson: "" },
  );
}

/** MESSAGE_CREATE or MESSAGE_UPDATE; `ungated` are those who see the content whatever their intents. */
export function messageDispatch(
  type: "MESSAGE_CREATE" | "MESSAGE_UPDATE",
  channelId: bigint,
  { data, gatedData, halfGated }: Pick<RenderedMessage, "data" | "gatedData" | "halfGated">,
  ungated: readonly bigint[],
): Dispatch {
  const audience = inChannel(channelId);
  if (gatedData === undefined) return dispatchOf(type, audience, data, { content: true });
  if (halfGated === undefined) {
    return dispatchOf(type, audience, data, { gatedData, ungatedUsers: [...ungated], content: true });
  }
  const { readers, data: halfGatedData } = halfGated;
  return dispatchOf(type, audience, data, {
    gatedData,
    ungatedUsers: ungated.filter((id) => readers.has(id)),
    halfGatedData,
    halfGatedUsers: ungated.filter((id) => !readers.has(id)),
    content: true,
  });
}
