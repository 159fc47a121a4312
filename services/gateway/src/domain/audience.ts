import type { View } from "@guildhall/visibility";
import type { Body } from "./body.ts";
import type { Audience, Dispatch } from "./event.ts";
import type { Profile } from "./profile.ts";

/** Whether an audience that depends on nothing but the view in force holds that view. */
export function reachesView(audience: Audience, view: View): boolean {
  switch (audience.kind) {
    case "everyone":
      return true;
    case "guild":
      return (view.base & audience.permission) === audience.permission;
    case "channel":
      return holds(view.permissionsIn(audience.channelId), audience.permission);
    case "users":
    case "gained":
    case "lost":
      return false;
    default:
      return audience satisfies never;
  }
}

/** Whether an audience holds a member who had the view `before` up to this event and has `after` since. */
export function reachesMember(audience: Audience, userId: bigint, before: View, after: View): boolean {
  switch (audience.kind) {
    case "users":
      return audience.ids.includes(userId);
    case "gained":
      return !before.canSee(audience.channelId) && after.canSee(audience.channelId);
    case "lost":
      return before.canSee(audience.channelId) && !after.canSee(audience.channelId);
    default:
      return reachesView(audience, after);
  }
}

/** The variant for a session whose user is in the audience; undefined when its intents leave it out. */
export function bodyFor(dispatch: Dispatch, profile: Profile, userId: bigint): Body | undefined {
  if (!hasIntent(dispatch, profile) && !dispatch.exemptUsers.includes(userId)) return undefined;
  if (dispatch.gatedBody === undefined || profile.seesContent) return dispatch.body;
  if (dispatch.ungatedUsers.includes(userId)) return dispatch.body;
  return dispatch.halfGatedUsers.includes(userId) ? dispatch.halfGatedBody : dispatch.gatedBody;
}

/** The variant for all sessions of a profile; undefined = none gets it, "by user" = ask `bodyFor` of each. */
export function bodyForAll(dispatch: Dispatch, profile: Profile): Body | undefined | "by user" {
  if (!hasIntent(dispatch, profile)) return dispatch.exemptUsers.length > 0 ? "by user" : undefined;
  if (dispatch.gatedBody === undefined || profile.seesContent) return dispatch.body;
  return dispatch.ungatedUsers.length + dispatch.halfGatedUsers.length > 0 ? "by user" : dispatch.gatedBody;
}

function hasIntent({ intents }: Dispatch, profile: Profile): boolean {
  return intents === 0 || (profile.intents & intents) !== 0;
}

/** A word of 0 (the channel cannot be seen) holds nothing, not even no permission. */
function holds(word: bigint, permission: bigint): boolean {
  return word !== 0n && (word & permission) === permission;
}
