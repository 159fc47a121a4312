import { GuildhallError } from "@guildhall/errors";
import type { Authenticate, Authenticated } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toAccount } from "../domain/account.ts";

/** Whose token it is. UNAUTHORIZED when nobody's. */
export function authenticate(context: UserContext, { tokenHash }: Authenticate): Authenticated {
  const row = context.accounts.accountOfToken(tokenHash);
  if (row === undefined) throw new GuildhallError("UNAUTHORIZED", "the token is not valid");
  const application = row.applicationId === 0n ? undefined : context.accounts.application(row.applicationId);
  return { account: toAccount(row, application) };
}
