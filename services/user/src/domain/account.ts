import type { Account, Application, MembershipRow as MembershipMessage, Profile } from "@guildhall/proto";
import type { AccountRow, ApplicationRow, MembershipRow } from "../store/accounts.ts";

/** The account as others see it. */
export function toProfile(row: AccountRow): Profile {
  return {
    id: row.id,
    username: row.username,
    globalName: row.globalName,
    avatar: row.avatar,
    bot: row.bot,
    publicFlags: row.publicFlags,
  };
}

/** The account as itself sees it; `application` is its own when it is a bot. */
export function toAccount(row: AccountRow, application: ApplicationRow | undefined): Account {
  return {
    profile: toProfile(row),
    email: row.email,
    locale: row.locale,
    mfaEnabled: false,
    verified: true,
    applicationId: row.applicationId,
    applicationFlags: application?.flags ?? 0n,
  };
}

/** The application with its bot and owner; `botToken` only in the answer that makes the token. */
export function toApplication(
  row: ApplicationRow,
  bot: AccountRow | undefined,
  owner: AccountRow | undefined,
  botToken = "",
): Application {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    bot: bot === undefined ? undefined : toProfile(bot),
    owner: owner === undefined ? undefined : toProfile(owner),
    flags: row.flags,
    verifyKey: row.verifyKey,
    botToken,
  };
}

/** A membership on the wire. */
export function toMembership(row: MembershipRow): MembershipMessage {
  return { ...row };
}

/** A membership off the wire. */
export function fromMembership(message: MembershipMessage): MembershipRow {
  return {
    userId: message.userId,
    guildId: message.guildId,
    epoch: message.epoch,
    seq: message.seq,
    member: message.member,
    joinedAt: message.joinedAt,
  };
}

/** Databases hold signed integers; no id or position that exists comes near. */
const largest = (1n << 63n) - 1n;

/** Whether a database can hold a membership. */
export function isKeepable({ userId, guildId, seq }: MembershipMessage): boolean {
  return userId <= largest && guildId <= largest && seq <= largest;
}
