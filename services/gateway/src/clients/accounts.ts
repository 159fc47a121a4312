import { createHash } from "node:crypto";
import { isGuildhallError } from "@guildhall/errors";
import type { Timers } from "@guildhall/lifecycle";
import type { Account, Head, MembershipRow } from "@guildhall/proto";
import type { UserClient } from "@guildhall/rpc";

/** The SHA-256 by which a token is known; `Bot ` before it is no part of it. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token.replace(/^Bot /, "")).digest();
}

// While the accounts are away for a moment, clients are not sent away.
const tries = 6;
const minPauseMs = 100;

/** The account of a token; undefined when the token is not valid. Throws when the accounts cannot be asked. */
export async function authenticate(
  users: Pick<UserClient, "call">,
  timers: Timers,
  tokenHash: Buffer,
): Promise<Account | undefined> {
  try {
    const { account } = await patiently(timers, () => users.call("authenticate", { tokenHash }));
    return account?.profile === undefined ? undefined : account;
  } catch (error) {
    if (isGuildhallError(error) && (error.code === "UNAUTHORIZED" || error.code === "INVALID_TOKEN")) return undefined;
    throw error;
  }
}

/** The guilds of an account, and its topic's head when they were read. */
export async function listMemberships(
  users: Pick<UserClient, "call">,
  timers: Timers,
  userId: bigint,
): Promise<{ readonly memberships: readonly MembershipRow[]; readonly head: Head | undefined }> {
  return patiently(timers, () => users.call("listMemberships", { userId }));
}

async function patiently<T>(timers: Timers, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const isFinal = isGuildhallError(error) && !error.shouldRetry() && error.code !== "DEADLINE_EXCEEDED";
      if (isFinal || attempt === tries) throw error;
      await new Promise<void>((resolve) => void timers.after(minPauseMs * 2 ** attempt, resolve));
    }
  }
}
