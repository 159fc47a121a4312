import type { SQLOutputValue } from "node:sqlite";
import type { AccountRow, ApplicationRow, MembershipRow, UserNotice } from "./accounts.ts";

type SqlRow = Record<string, SQLOutputValue>;

const none = new Uint8Array(0);

/** Reads a row of `accounts`. */
export function readAccount(row: SqlRow): AccountRow {
  return {
    id: row.id as bigint,
    username: row.username as string,
    globalName: row.global_name as string,
    avatar: row.avatar as string,
    email: row.email as string,
    passwordHash: row.password_hash as string,
    bot: row.bot === 1n,
    applicationId: row.application_id as bigint,
    locale: row.locale as string,
    publicFlags: row.public_flags as bigint,
  };
}

/** Reads a row of `applications`. */
export function readApplication(row: SqlRow): ApplicationRow {
  return {
    id: row.id as bigint,
    name: row.name as string,
    description: row.description as string,
    botId: row.bot_id as bigint,
    ownerId: row.owner_id as bigint,
    flags: row.flags as bigint,
    verifyKey: row.verify_key as string,
    signingKey: row.signing_key as Uint8Array,
  };
}

/** Reads a row of `memberships`. */
export function readMembership(row: SqlRow): MembershipRow {
  return {
    userId: row.user_id as bigint,
    guildId: row.guild_id as bigint,
    epoch: Number(row.epoch),
    seq: row.seq as bigint,
    member: row.member === 1n,
    joinedAt: row.joined_at as string,
  };
}

/** Reads the notice of a row of `outbox`. */
export function readNotice(row: SqlRow): UserNotice {
  const kind = row.kind as UserNotice["kind"];
  if (kind === "token-revoked") return { kind, tokenHash: row.token_hash as Uint8Array };
  return { kind, guildId: row.guild_id as bigint };
}

/** The columns of `outbox` that hold a notice. */
export function writeNotice(notice: UserNotice): { kind: string; guild_id: bigint; token_hash: Uint8Array } {
  if (notice.kind === "token-revoked") return { kind: notice.kind, guild_id: 0n, token_hash: notice.tokenHash };
  return { kind: notice.kind, guild_id: notice.guildId, token_hash: none };
}
