import { GuildhallError } from "@guildhall/errors";
import { createMessageForm, editMessageForm, historyQuery } from "../forms/messages.ts";
import { invalidField } from "../forms/parse-form.ts";
import { type Answer, bytesAnswer, emptyAnswer } from "../http/answer.ts";
import { hideContent } from "./message-content.ts";
import { type Call, identityOf, route } from "./route.ts";
import { readBytes, sendCommand, unknownTopic } from "./send.ts";

// GATEWAY_MESSAGE_CONTENT and GATEWAY_MESSAGE_CONTENT_LIMITED of Discord's application flags.
const contentFlags = (1n << 18n) | (1n << 19n);

/** Bytes of messages as the caller may see them: nobody but bots without the intent has them parsed. */
function messageAnswer(call: Call<unknown, unknown, unknown>, json: Uint8Array): Answer {
  const { account, userId } = identityOf(call);
  const isGated = account.profile?.bot === true && (account.applicationFlags & contentFlags) === 0n;
  return bytesAnswer(200, isGated ? hideContent(json, userId) : json);
}

type CreateForm = (typeof createMessageForm)["_zod"]["output"];

/** The message replied to, if it can be in this channel. */
function referenceOf({ message_reference: reference }: CreateForm, channelId: bigint) {
  if (reference === undefined) return undefined;
  const { message_id: messageId, channel_id: otherId, fail_if_not_exists: failIfNotExists } = reference;
  if (otherId === undefined || otherId === channelId) return { messageId, failIfNotExists };
  if (!failIfNotExists) return undefined;
  throw invalidField(["message_reference"], "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
}

async function createMessage(call: Call<{ readonly c: bigint }, unknown, CreateForm>): Promise<Answer> {
  const { body: form, params } = call;
  const { content = "", embeds = "[]" } = form;
  if (content.trim() === "" && embeds === "[]") throw new GuildhallError("EMPTY_MESSAGE", "nothing to send");
  const value = {
    channelId: params.c,
    content,
    tts: form.tts ?? false,
    nonceJson: form.nonce ?? "",
    enforceNonce: form.enforce_nonce === true && form.nonce !== undefined,
    embedsJson: embeds === "[]" ? "" : embeds,
    allowedMentions: form.allowed_mentions,
    reference: referenceOf(form, params.c),
    flags: form.flags ?? 0,
  };
  const answer = await sendCommand(call, unknownTopic, { $case: "createMessage", value });
  // One's own message is one's own to read, what it replies to need not be.
  return value.reference === undefined || answer.json === undefined ? answer : messageAnswer(call, answer.json);
}

/** Messages of channels. */
export const messageRoutes = [
  route({
    method: "GET",
    path: "/channels/{c}/messages",
    needs: "VIEW_CHANNEL; without READ_MESSAGE_HISTORY []",
    query: historyQuery,
    async handle(call) {
      const { before = 0n, after, around = 0n, limit } = call.query;
      // No id is below 1, so "after 0" is "after 1"; in the request 0 means not given.
      const value = { channelId: call.params.c, before, after: after === 0n ? 1n : (after ?? 0n), around, limit };
      return messageAnswer(call, await readBytes(call, unknownTopic, { $case: "listMessages", value }));
    },
  }),
  route({
    method: "POST",
    path: "/channels/{c}/messages",
    needs: "SEND_MESSAGES",
    limit: "message",
    body: createMessageForm,
    handle: createMessage,
  }),
  route({
    method: "GET",
    path: "/channels/{c}/messages/{m}",
    needs: "VIEW_CHANNEL + READ_MESSAGE_HISTORY",
    async handle(call) {
      const value = { channelId: call.params.c, messageId: call.params.m };
      return messageAnswer(call, await readBytes(call, unknownTopic, { $case: "getMessage", value }));
    },
  }),
  route({
    method: "PATCH",
    path: "/channels/{c}/messages/{m}",
    needs: "author; others: flags with MANAGE_MESSAGES",
    limit: "message",
    body: editMessageForm,
    async handle(call) {
      const { content, embeds, allowed_mentions: allowedMentions, flags } = call.body;
      const { c: channelId, m: messageId } = call.params;
      const value = { channelId, messageId, content, embedsJson: embeds, allowedMentions, flags };
      const { json } = await sendCommand(call, unknownTopic, { $case: "editMessage", value });
      return json === undefined ? emptyAnswer() : messageAnswer(call, json);
    },
  }),
  route({
    method: "DELETE",
    path: "/channels/{c}/messages/{m}",
    needs: "author or MANAGE_MESSAGES",
    handle(call) {
      const value = { channelId: call.params.c, messageId: call.params.m };
      return sendCommand(call, unknownTopic, { $case: "deleteMessage", value });
    },
  }),
  route({
    method: "POST",
    path: "/channels/{c}/typing",
    needs: "SEND_MESSAGES",
    limit: "typing",
    handle: (call) => sendCommand(call, unknownTopic, { $case: "startTyping", value: { channelId: call.params.c } }),
  }),
];
