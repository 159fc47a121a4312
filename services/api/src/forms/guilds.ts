import { z } from "zod";
import { choice, clearable, integer, optional, queryFlag, snowflake, text, unavailable, word } from "./fields.ts";

const name = text({ min: 2, max: 100, trim: true });

// Locales that Discord's clients can show.
const locales = [
  "id",
  "da",
  "de",
  "en-GB",
  "en-US",
  "es-ES",
  "es-419",
  "fr",
  "hr",
  "it",
  "lt",
  "hu",
  "nl",
  "no",
  "pl",
  "pt-BR",
  "ro",
  "fi",
  "sv-SE",
  "vi",
  "tr",
  "cs",
  "el",
  "bg",
  "ru",
  "uk",
  "hi",
  "th",
  "zh-CN",
  "ja",
  "zh-TW",
  "ko",
] as const;

const images = {
  icon: unavailable("Images are"),
  splash: unavailable("Images are"),
  discovery_splash: unavailable("Images are"),
  banner: unavailable("Images are"),
};

/** POST /guilds. The host makes the usual channels; roles and channels of one's own are added afterwards. */
export const createGuildForm = z.object({
  name,
  icon: images.icon,
  roles: unavailable("Roles given while creating a guild are"),
  channels: unavailable("Channels given while creating a guild are"),
});

/** PATCH /guilds/{g}: absent stays, null clears. */
export const editGuildForm = z.object({
  ...images,
  name: optional(name),
  description: clearable(text({ max: 300 }), ""),
  verification_level: clearable(choice([0, 1, 2, 3, 4]), 0),
  default_message_notifications: clearable(choice([0, 1]), 0),
  explicit_content_filter: clearable(choice([0, 1, 2]), 0),
  afk_channel_id: clearable(snowflake(), 0n),
  afk_timeout: optional(choice([60, 300, 900, 1800, 3600])),
  system_channel_id: clearable(snowflake(), 0n),
  system_channel_flags: optional(integer({ min: 0, max: 0x7f_ff_ff_ff })),
  preferred_locale: clearable(word(locales), "en-US"),
  owner_id: optional(snowflake()),
  rules_channel_id: unavailable("Community channels are"),
  public_updates_channel_id: unavailable("Community channels are"),
  safety_alerts_channel_id: unavailable("Community channels are"),
  features: unavailable("Guild features are"),
});

/** Whether counts of members are wanted too. */
export const countsQuery = z.object({
  with_counts: optional(queryFlag()).transform((counts) => counts ?? false),
});

/** The query of GET /users/@me/guilds. */
export const ownGuildsQuery = z.object({
  before: optional(snowflake()),
  after: optional(snowflake()),
  limit: optional(integer({ min: 1, max: 200 })).transform((limit) => limit ?? 200),
  with_counts: optional(queryFlag()).transform((counts) => counts ?? false),
});

/** The query of GET /guilds/{g}/members. */
export const membersQuery = z.object({
  after: optional(snowflake()).transform((after) => after ?? 0n),
  limit: optional(integer({ min: 1, max: 1000 })).transform((limit) => limit ?? 1),
});
