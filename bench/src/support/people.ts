import type { Profile } from "@guildhall/proto";
import { createCoordinatorClient, createRouterClient, createUserClient, createWorkerLease } from "@guildhall/rpc";
import type { BenchFleet } from "./fleet.ts";

/** Makes people through the services and lets them join the demo's guild. Returns their tokens. */
export async function seedPeople({ fleet, demo }: BenchFleet, count: number): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const user = stack.use(createUserClient(fleet.addressOf("user-0")));
  const router = stack.use(createRouterClient(fleet.addressOf("router-0")));
  const coordinator = stack.use(createCoordinatorClient(fleet.addressOf("coordinator-0")));
  const lease = stack.use(await createWorkerLease(coordinator, { process: "bench" }));
  const guildId = BigInt(demo.guildId);
  const tokens: string[] = [];
  for (let from = 0; from < count; from += 100) {
    const people = Array.from({ length: Math.min(100, count - from) }, (_, index) => ({
      username: `bench${from + index}`,
      globalName: "",
      email: "",
      password: "",
    }));
    const { sessions } = await user.call("seedPeople", { people }, { timeoutMs: 60_000 });
    tokens.push(...sessions.map(({ token }) => token));
    const profiles = sessions.flatMap(({ account }): Profile[] => (account?.profile ? [account.profile] : []));
    const body = { $case: "addPeople", value: { guildId, people: profiles } } as const;
    const command = { requestId: lease.generator.next(), actor: undefined, reason: "", body };
    await router.call("command", command, { extra: { topic: guildId }, timeoutMs: 30_000 });
  }
  return tokens;
}
