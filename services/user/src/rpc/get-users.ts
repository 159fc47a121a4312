import { GuildhallError } from "@guildhall/errors";
import type { Account, FindUser, GetUsers, UserList } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toAccount } from "../domain/account.ts";

const idsLimit = 1000;

/** Those that exist, without what only the account itself may know. */
export function getUsers(context: UserContext, { ids }: GetUsers): UserList {
  if (ids.length > idsLimit) throw new GuildhallError("INVALID_FORM", `at most ${idsLimit} ids at once`);
  const rows = ids.flatMap((id) => context.accounts.account(id) ?? []);
  return { accounts: rows.map((row) => ({ ...toAccount(row, undefined), email: "" })) };
}

/** A person by username. UNKNOWN_USER when there is none. */
export function findUser(context: UserContext, { username }: FindUser): Account {
  const row = context.accounts.personByLogin(username);
  if (row === undefined) throw new GuildhallError("UNKNOWN_USER", `nobody is called ${username}`);
  return { ...toAccount(row, undefined), email: "" };
}
