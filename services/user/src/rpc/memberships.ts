import type { ApplyMemberships, ListMemberships, Memberships, MembershipsApplied } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { fromMembership, toMembership } from "../domain/account.ts";
import { userHead } from "../domain/user-topic.ts";

/** The guilds a user is in, and the head of the user's topic when they were read. */
export function listMemberships(context: UserContext, { userId }: ListMemberships): Memberships {
  const { rows, headSeq } = context.accounts.memberships(userId);
  return { memberships: rows.map(toMembership), head: userHead(userId, headSeq) };
}

/** Takes in what hosts journaled; the users' own sessions are told of each change. */
export function applyMemberships(context: UserContext, { rows }: ApplyMemberships): MembershipsApplied {
  const events = context.accounts.applyMemberships(rows.map(fromMembership), context.nowMs());
  context.announcer.announce(events);
  return {};
}
