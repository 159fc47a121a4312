import { GuildhallError } from "@guildhall/errors";
import type { UserClient } from "@guildhall/rpc";
import type { Memberships } from "../domain/ports.ts";

/** The accounts' list of members, at `user`. Today one process holds all accounts: the first address. */
export function makeMemberships(users: readonly UserClient[]): Memberships {
  const [user] = users;
  if (user === undefined) throw new GuildhallError("BAD_CONFIG", "no user service is named");
  return {
    async apply(rows) {
      await user.call("applyMemberships", { rows: [...rows] }, { traceparent: "" });
    },
  };
}
