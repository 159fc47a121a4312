import type { LoggedOut, Logout } from "@guildhall/proto";
import type { UserContext } from "../context.ts";

/** Forgets a token; caches and gateways are told. A token that is not there is no error. */
export function logout(context: UserContext, { tokenHash }: Logout): LoggedOut {
  const event = context.accounts.removeToken(tokenHash, context.nowMs());
  context.revocations.revoke([tokenHash]);
  if (event !== undefined) context.announcer.announce([event]);
  return {};
}
