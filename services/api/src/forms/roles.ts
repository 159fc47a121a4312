import { limits } from "@guildhall/protocol";
import { z } from "zod";
import { flag, integer, optional, permissions, text, unavailable } from "./fields.ts";

const maxColor = 0xff_ff_ff;

const color = integer({ min: 0, max: maxColor });

const settings = {
  permissions: optional(permissions()),
  color: optional(color),
  colors: optional(
    z.object({
      primary_color: color,
      secondary_color: unavailable("Role gradients are"),
      tertiary_color: unavailable("Role gradients are"),
    }),
  ),
  hoist: optional(flag()),
  mentionable: optional(flag()),
  icon: unavailable("Role icons are"),
  unicode_emoji: unavailable("Role icons are"),
  name: optional(text({ max: limits.role_name, trim: true })),
};

/** POST and PATCH of a guild's roles; of the two forms of the colour the newer one counts. */
export const roleForm = z
  .object(settings)
  .transform(({ name, permissions: bits, color: single, colors, hoist, mentionable }) => ({
    name: name === "" ? undefined : name,
    permissions: bits,
    color: colors?.primary_color ?? single,
    hoist,
    mentionable,
  }));
