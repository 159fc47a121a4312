import { limits } from "@guildhall/protocol";
import { z } from "zod";
import { flag, integer, optional, unavailable } from "./fields.ts";

/** POST /channels/{c}/invites. */
export const createInviteForm = z.object({
  max_age: optional(integer({ min: 0, max: limits.invite_max_age })).transform((seconds) => seconds ?? 86_400),
  max_uses: optional(integer({ min: 0, max: limits.invite_max_uses })).transform((uses) => uses ?? 0),
  temporary: optional(flag()).transform((temporary) => temporary ?? false),
  unique: optional(flag()).transform((unique) => unique ?? false),
  target_type: unavailable("Invites to streams and activities are"),
  role_ids: unavailable("Invites that give roles are"),
});
