import { limits } from "@guildhall/protocol";
import { z } from "zod";
import {
  choice,
  clearable,
  flag,
  integer,
  list,
  optional,
  permissions,
  snowflake,
  text,
  unavailable,
} from "./fields.ts";

const maxPosition = 0x7f_ff_ff_ff;
const defaultBitrate = 64_000;

const overwriteBits = {
  type: choice([0, 1]),
  allow: optional(permissions()).transform((bits) => bits ?? 0n),
  deny: optional(permissions()).transform((bits) => bits ?? 0n),
};

const overwrites = list(z.object({ id: snowflake(), ...overwriteBits }), limits.overwrites).transform(
  (given, context) => {
    const distinct = new Set(given.map(({ id }) => id));
    if (distinct.size < given.length) {
      const message = "An overwrite is given twice.";
      context.issues.push({
        code: "custom",
        input: given,
        message,
        params: { discord: "SET_TYPE_ALREADY_CONTAINS_VALUE" },
      });
    }
    return given;
  },
);

/** The body of PUT /channels/{c}/permissions/{o}. */
export const overwriteForm = z.object(overwriteBits);

const name = text({ min: 1, max: 100, trim: true });

const settings = {
  topic: clearable(text({ max: limits.topic }), ""),
  parent_id: clearable(snowflake(), 0n),
  nsfw: clearable(flag(), false),
  rate_limit_per_user: clearable(integer({ min: 0, max: 21_600 }), 0),
  bitrate: clearable(integer({ min: limits.bitrate_min, max: 96_000 }), defaultBitrate),
  user_limit: clearable(integer({ min: 0, max: limits.user_limit }), 0),
  position: optional(integer({ min: 0, max: maxPosition })),
  permission_overwrites: optional(overwrites),
  available_tags: unavailable("Forum channels are"),
};

/** POST /guilds/{g}/channels: text, voice, category and announcement channels. */
export const createChannelForm = z.object({
  ...settings,
  name,
  type: optional(choice([0, 2, 4, 5])).transform((type) => type ?? 0),
});

/** PATCH /channels/{c}: absent stays, null clears. */
export const editChannelForm = z.object({
  ...settings,
  name: optional(name),
  type: optional(choice([0, 2, 4, 5])),
});
