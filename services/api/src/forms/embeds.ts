import { limits } from "@guildhall/protocol";
import { z } from "zod";
import { field, flag, integer, lengthOf, list, optional, text } from "./fields.ts";

const { embeds: maxEmbeds, embed_total_chars: maxTotalChars, embed: chars } = limits;
const webUrl = /^https?:\/\/[^\s/]/i;

function url() {
  return field((value, refuse) => {
    if (typeof value === "string" && value.length <= 2048 && webUrl.test(value) && URL.canParse(value)) {
      return value.toWellFormed();
    }
    if (typeof value === "string" && value.startsWith("attachment://")) {
      refuse("FEATURE_UNAVAILABLE", "File uploads are not available on this server.");
    } else refuse("URL_TYPE_INVALID_URL", "Not a well formed URL.");
    return "";
  });
}

function timestamp() {
  return field((value, refuse) => {
    const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
    if (Number.isFinite(ms)) return new Date(ms).toISOString().replace("Z", "000+00:00");
    refuse(
      "DATE_TIME_TYPE_PARSE",
      `Could not parse ${JSON.stringify(value, bigintText).slice(0, 100)}. Should be ISO8601.`,
    );
    return "";
  });
}

const bigintText = (_key: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

const image = z.object({ url: url() });

const embed = z.object({
  title: optional(text({ max: chars.title, trim: true })),
  description: optional(text({ max: chars.description, trim: true })),
  url: optional(url()),
  timestamp: optional(timestamp()),
  color: optional(integer({ min: 0, max: 0xff_ff_ff })),
  footer: optional(z.object({ text: text({ max: chars.footer, trim: true }), icon_url: optional(url()) })),
  image: optional(image),
  thumbnail: optional(image),
  author: optional(
    z.object({
      name: text({ required: true, max: chars.author, trim: true }),
      url: optional(url()),
      icon_url: optional(url()),
    }),
  ),
  fields: optional(
    list(
      z.object({
        name: text({ required: true, max: chars.field_name, trim: true }),
        value: text({ required: true, max: chars.field_value, trim: true }),
        inline: optional(flag()).transform((inline) => inline ?? false),
      }),
      chars.fields,
    ),
  ),
});

type Embed = z.output<typeof embed>;

/**
 * Up to ten embeds as the JSON that is kept: `type` is always rich, and what clients may not set (provider, video,
 * sizes, proxies) is left out.
 */
export const embeds = list(embed, maxEmbeds).transform((given, context): string => {
  const total = given.reduce((sum, each) => sum + charsOf(each), 0);
  if (total <= maxTotalChars) return JSON.stringify(given.map((each) => ({ type: "rich", ...each })));
  const message = `Embed size exceeds maximum size of ${maxTotalChars}`;
  context.issues.push({ code: "custom", input: given, message, params: { discord: "MAX_EMBED_SIZE_EXCEEDED" } });
  return "";
});

function charsOf(each: Embed): number {
  const texts = [each.title, each.description, each.footer?.text, each.author?.name];
  for (const { name, value } of each.fields ?? []) texts.push(name, value);
  return texts.reduce((sum, part) => sum + lengthOf(part ?? ""), 0);
}
