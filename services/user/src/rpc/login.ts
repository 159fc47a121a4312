import type { Login, Session } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toAccount } from "../domain/account.ts";
import { makeToken } from "../domain/token.ts";
import { invalidLoginError } from "../domain/username.ts";

/** Makes a new token for a person who knows the password. INVALID_FORM (INVALID_LOGIN) otherwise. */
export async function login(context: UserContext, request: Login): Promise<Session> {
  const account = context.accounts.personByLogin(request.login);
  const right = await context.hasher.verify(request.password, account?.passwordHash);
  if (account === undefined || !right) throw invalidLoginError();
  const { token, hash } = makeToken(account.id, context.tokenPorts);
  context.accounts.addToken(account.id, hash, context.nowMs());
  return { token, account: toAccount(account, undefined) };
}
