import type { Profile } from "@guildhall/proto";
import type { GuildState } from "../model/state.ts";
import { memberJson } from "../render/render-user.ts";
import { dispatchOf, everyone } from "./dispatch.ts";
import type { Decision, Requester } from "./turn.ts";

const nothing: Pick<Decision, "outcomes" | "dispatches"> = { outcomes: [], dispatches: [] };

/** The host's copy of a profile follows what its owner shows when they post. */
export function renewedProfile(
  state: GuildState,
  { profile, member }: Requester,
): Pick<Decision, "outcomes" | "dispatches"> {
  if (isSame(profile, member.profile)) return nothing;
  const renewed = { ...member, profile };
  const json = memberJson(state.roles, renewed, `,"guild_id":"${state.topic}"`);
  return {
    outcomes: [{ of: "member", member: renewed }],
    dispatches: [dispatchOf("GUILD_MEMBER_UPDATE", everyone, json, { intentExemptUsers: [member.userId] })],
  };
}

function isSame(a: Profile, b: Profile): boolean {
  return (
    a.username === b.username &&
    a.globalName === b.globalName &&
    a.avatar === b.avatar &&
    a.publicFlags === b.publicFlags &&
    a.bot === b.bot
  );
}
