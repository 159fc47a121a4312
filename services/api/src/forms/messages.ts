import { jsonString } from "@guildhall/json";
import { limits } from "@guildhall/protocol";
import { z } from "zod";
import { embeds } from "./embeds.ts";
import {
  choice,
  field,
  flag,
  integer,
  lengthOf,
  list,
  optional,
  snowflake,
  text,
  unavailable,
  word,
} from "./fields.ts";

const { content: maxContentChars, nonce_chars: maxNonceChars, allowed_mentions_ids: maxMentionIds } = limits;
const maxFlags = 0x7f_ff_ff_ff;

// SUPPRESS_EMBEDS and SUPPRESS_NOTIFICATIONS; of the others most have no meaning in a request and are dropped.
const settableFlags = (1 << 2) | (1 << 12);
const unavailableFlags = (1 << 13) | (1 << 15);

const content = text({ max: maxContentChars });

/** A client's own mark of a message, as the JSON it was sent as. */
const nonce = field((value, refuse): string => {
  if (typeof value === "string") {
    if (lengthOf(value) > maxNonceChars) {
      refuse("BASE_TYPE_MAX_LENGTH", `Must be ${maxNonceChars} or fewer in length.`);
    }
    return jsonString(value.toWellFormed());
  }
  const digits = typeof value === "bigint" || Number.isSafeInteger(value) ? String(value) : "";
  if (digits === "") refuse("NONCE_TYPE_CONVERT", "Nonce must be a string or an integer.");
  else if (digits.length > maxNonceChars)
    refuse("BASE_TYPE_MAX_LENGTH", `Must be ${maxNonceChars} or fewer in length.`);
  return digits;
});

const flags = integer({ min: 0, max: maxFlags }).transform((bits, context) => {
  if ((bits & unavailableFlags) !== 0) {
    const message = "Voice messages and components are not available on this server.";
    context.issues.push({ code: "custom", input: bits, message, params: { discord: "FEATURE_UNAVAILABLE" } });
  }
  return bits & settableFlags;
});

const mentionIds = optional(list(snowflake(), maxMentionIds)).transform((ids) => [...new Set(ids ?? [])]);

const allowedMentions = z
  .object({
    parse: optional(list(word(["users", "roles", "everyone"]), 3)).transform((words) => [...new Set(words ?? [])]),
    users: mentionIds,
    roles: mentionIds,
    replied_user: optional(flag()).transform((replied) => replied ?? false),
  })
  .transform(({ parse, users, roles, replied_user }, context) => {
    for (const [name, ids] of [
      ["users", users],
      ["roles", roles],
    ] as const) {
      if (ids.length === 0 || !parse.includes(name)) continue;
      const message = `parse:["${name}"] and ${name}: [ids...] are mutually exclusive.`;
      const params = { discord: "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE" };
      context.issues.push({ code: "custom", input: parse, message, params });
    }
    return { parse: parse as string[], users, roles, repliedUser: replied_user };
  });

const reference = z.object({
  type: optional(choice([0, 1])).transform((type, context) => {
    if (type === 1) {
      const message = "Forwarding is not available on this server.";
      context.issues.push({ code: "custom", input: type, message, params: { discord: "FEATURE_UNAVAILABLE" } });
    }
    return 0;
  }),
  message_id: snowflake(),
  channel_id: optional(snowflake()),
  guild_id: optional(snowflake()),
  fail_if_not_exists: optional(flag()).transform((fail) => fail ?? true),
});

const shared = {
  allowed_mentions: optional(allowedMentions),
  components: unavailable("Components are"),
  attachments: unavailable("File uploads are"),
};

/** POST /channels/{c}/messages. */
export const createMessageForm = z.object({
  ...shared,
  content: optional(content),
  nonce: optional(nonce),
  enforce_nonce: optional(flag()),
  tts: optional(flag()),
  embeds: optional(embeds),
  message_reference: optional(reference),
  flags: optional(flags),
  sticker_ids: unavailable("Stickers are"),
  poll: unavailable("Polls are"),
});

/** PATCH /channels/{c}/messages/{m}: absent stays, null clears. */
export const editMessageForm = z.object({
  ...shared,
  content: content.nullish().transform((value) => (value === null ? "" : value)),
  embeds: embeds.nullish().transform((value) => (value === null ? "[]" : value)),
  flags: optional(flags),
});

/** The query of GET /channels/{c}/messages. */
export const historyQuery = z
  .object({
    before: optional(snowflake()),
    after: optional(snowflake()),
    around: optional(snowflake()),
    limit: optional(integer({ min: 1, max: 100 })).transform((limit) => limit ?? 50),
  })
  .transform((query, context) => {
    const given = [query.before, query.after, query.around].filter((id) => id !== undefined);
    if (given.length > 1) {
      const message = "Only one of before, after and around may be given.";
      context.issues.push({ code: "custom", input: query, message, params: { discord: "BASE_TYPE_CHOICES" } });
    }
    return query;
  });
