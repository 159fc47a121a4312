import type { ApplyMemberships, ListMemberships, Memberships, MembershipsApplied } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { fromMembership, isKeepable, toMembership } from "../domain/account.ts";
import { userHead } from "../domain/user-topic.ts";

/** The guilds a user is in, and the head of the user's topic when they were read. */
export function listMemberships(context: UserContext, { userId }: ListMemberships): Memberships {
  const { rows, headSeq } = context.accounts.memberships(userId);
  return { memberships: rows.map(toMembership), head: userHead(userId, headSeq) };
}

/**
 * Takes in what hosts journaled; the users' own sessions are told of each change. Never refuses a batch for what is in it:
 * its host would send it for ever, and nothing after it. Of an account that is not here (the database is older than the
 * journal) the row is kept, in case it comes back; what no database can hold is left out, and both are counted.
 */
export function applyMemberships(context: UserContext, { rows }: ApplyMemberships): MembershipsApplied {
  const { accounts, announcer, metrics } = context;
  const kept = rows.filter(isKeepable);
  const events = accounts.applyMemberships(kept.map(fromMembership), context.nowMs());
  announcer.announce(events);
  metrics.membershipsOdd.inc({ what: "left-out" }, rows.length - kept.length);
  const told = new Set(events.map(({ userId }) => userId));
  const unknown = kept.filter(({ userId }) => !told.has(userId) && accounts.account(userId) === undefined);
  metrics.membershipsOdd.inc({ what: "unknown-account" }, unknown.length);
  return {};
}
