import type { Profile } from "@guildhall/proto";
import type { GuildState } from "../model/state.ts";
import type { Member } from "../model/thing.ts";

/** A text, or null when it is empty, as JSON. */
export function textOrNull(text: string): string {
  return text === "" ? "null" : JSON.stringify(text);
}

/** An id as JSON text, or null for 0n. */
export function idOrNull(id: bigint): string {
  return id === 0n ? "null" : `"${id}"`;
}

/** Discord's user object. */
export function userJson({ id, username, globalName, avatar, bot, publicFlags }: Profile): string {
  const isBot = bot ? `,"bot":true` : "";
  return (
    `{"id":"${id}","username":${JSON.stringify(username)},"global_name":${textOrNull(globalName)},` +
    `"avatar":${textOrNull(avatar)},"discriminator":"0","public_flags":${publicFlags},"flags":${publicFlags},` +
    `"banner":null,"accent_color":null,"avatar_decoration_data":null${isBot}}`
  );
}

/** The fields of a member object, without braces and without `user`. Roles that are gone are left out. */
export function memberFields(known: GuildState["roles"], { roleIds, joinedAt }: Member): string {
  let roles = "";
  for (const id of roleIds) if (known.has(id)) roles += roles === "" ? `"${id}"` : `,"${id}"`;
  return (
    `"roles":[${roles}],"joined_at":"${joinedAt}","nick":null,"avatar":null,"banner":null,"premium_since":null,` +
    `"deaf":false,"mute":false,"pending":false,"flags":0,"communication_disabled_until":null`
  );
}

/** Discord's member object with `user`; `more` are fields to be added, beginning with a comma. */
export function memberJson(known: GuildState["roles"], member: Member, more = ""): string {
  return `{"user":${userJson(member.profile)},${memberFields(known, member)}${more}}`;
}
