import type { Register, Session } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toAccount } from "../domain/account.ts";
import { makeToken } from "../domain/token.ts";
import { checkRegistration, type Registration, takenError } from "../domain/username.ts";
import type { AccountRow } from "../store/accounts.ts";

/** The row of a new person. */
export function newPerson(id: bigint, asked: Registration, passwordHash: string): AccountRow {
  return {
    id,
    username: asked.username,
    globalName: asked.globalName,
    avatar: "",
    email: asked.email,
    passwordHash,
    bot: false,
    applicationId: 0n,
    locale: "en-US",
    publicFlags: 0n,
  };
}

/** Makes an account and its first token. INVALID_FORM when the name, address or password will not do. */
export async function register(context: UserContext, request: Register): Promise<Session> {
  const asked = checkRegistration(request);
  const passwordHash = await context.hasher.hash(asked.password);
  const account = newPerson(context.nextId(), asked, passwordHash);
  const { token, hash } = makeToken(account.id, context.tokenPorts);
  const taken = context.accounts.addPerson(account, hash, context.nowMs());
  if (taken !== undefined) throw takenError(taken);
  return { token, account: toAccount(account, undefined) };
}
