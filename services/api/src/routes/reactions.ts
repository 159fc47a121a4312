import { GuildhallError } from "@guildhall/errors";
import { readEmoji } from "../domain/emoji.ts";
import { type Call, route } from "./route.ts";
import { sendCommand, unknownTopic } from "./send.ts";

interface ReactionParams {
  readonly c: bigint;
  readonly m: bigint;
  readonly emoji: string;
}

function reactionOf({ params }: Call<ReactionParams, unknown, unknown>) {
  const emoji = readEmoji(params.emoji);
  if (emoji === undefined) throw new GuildhallError("UNKNOWN_EMOJI", "no such emoji");
  return { channelId: params.c, messageId: params.m, emoji };
}

/** One's own reactions to messages. */
export const reactionRoutes = [
  route({
    method: "PUT",
    path: "/channels/{c}/messages/{m}/reactions/{emoji}/@me",
    needs: "READ_MESSAGE_HISTORY; ADD_REACTIONS when first of its kind",
    limit: "reaction",
    handle: (call) => sendCommand(call, unknownTopic, { $case: "addReaction", value: reactionOf(call) }),
  }),
  route({
    method: "DELETE",
    path: "/channels/{c}/messages/{m}/reactions/{emoji}/@me",
    limit: "reaction",
    handle: (call) => sendCommand(call, unknownTopic, { $case: "removeReaction", value: reactionOf(call) }),
  }),
];
