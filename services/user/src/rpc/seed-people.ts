import { GuildhallError } from "@guildhall/errors";
import type { SeededPeople, SeedPeople } from "@guildhall/proto";
import type { UserContext } from "../context.ts";
import { toAccount } from "../domain/account.ts";
import { makeToken } from "../domain/token.ts";
import { checkRegistration } from "../domain/username.ts";
import { newPerson } from "./register.ts";

const peopleLimit = 200;

/**
 * Many accounts in one transaction, for the operator's tool. Those that exist come back without a token; those without
 * a password cannot log in, and cost no hash.
 */
export async function seedPeople(context: UserContext, { people }: SeedPeople): Promise<SeededPeople> {
  if (people.length > peopleLimit) throw new GuildhallError("INVALID_FORM", `at most ${peopleLimit} people at once`);
  const asked = people.map((person) => checkRegistration(person, true));
  const hashes = await Promise.all(asked.map(({ password }) => (password === "" ? "" : context.hasher.hash(password))));
  const made = asked.map((registration, index) => {
    const account = newPerson(context.nextId(), registration, hashes[index] ?? "");
    return { account, ...makeToken(account.id, context.tokenPorts) };
  });
  const added = context.accounts.addPeople(
    made.map(({ account, hash }) => ({ account, tokenHash: hash })),
    context.nowMs(),
  );
  const sessions = added.map((one, index) => ({
    token: one.added ? (made[index]?.token ?? "") : "",
    account: toAccount(one.account, undefined),
  }));
  return { sessions };
}
