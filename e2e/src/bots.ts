import { createCoordinatorClient, createRouterClient, createUserClient, createWorkerLease } from "@guildhall/rpc";
import { waitFor } from "@guildhall/testing";
import type { TestFleet } from "./fleet.ts";
import type { Community, Person } from "./people.ts";
import type { Rest } from "./rest.ts";

/** A bot that a suite made. */
export interface Bot {
  readonly id: string;
  readonly applicationId: string;
  /** Without a prefix. */
  readonly token: string;
  /** REST as this bot. */
  readonly rest: Rest;
}

/** The application flags that grant presence, members and message content. */
export const allPrivileges = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** The way by which bots are made: the services' own RPC, as the operator's tool uses it. */
export interface BotMaker extends AsyncDisposable {
  /** Makes an application with its bot, owned by `owner`; `flags` grant privileged intents. */
  make(owner: Person, options?: { readonly name?: string; readonly flags?: bigint }): Promise<Bot>;
  /**
   * Adds a bot to a guild; with `permissions` it gets a role of its own that grants them. Resolves when its next session
   * will have the guild from its beginning.
   */
  add(bot: Bot, community: Community, permissions?: bigint): Promise<void>;
}

/** Connects to the services of a fleet. */
export async function makeBotMaker({ fleet, rest }: Pick<TestFleet, "fleet" | "rest">): Promise<BotMaker> {
  await using stack = new AsyncDisposableStack();
  const users = stack.use(createUserClient(fleet.addressOf("user-0")));
  const router = stack.use(createRouterClient(fleet.addressOf("router-0")));
  const coordinator = stack.use(createCoordinatorClient(fleet.addressOf("coordinator-0")));
  const { generator } = stack.use(await createWorkerLease(coordinator, { process: "e2e" }));
  const profileOf = async (id: string) => {
    const { accounts } = await users.call("getUsers", { ids: [BigInt(id)] });
    const profile = accounts[0]?.profile;
    if (profile === undefined) throw new Error(`no account ${id}`);
    return profile;
  };
  const owned = stack.move();
  return {
    async make(owner, { name = "helper", flags = allPrivileges } = {}) {
      const made = await users.call("createApplication", { ownerId: BigInt(owner.id), name, flags });
      const id = String(made.bot?.id);
      return { id, applicationId: String(made.id), token: made.botToken, rest: rest.as(`Bot ${made.botToken}`) };
    },
    async add(bot, { id, owner }, permissions = 0n) {
      const guildId = BigInt(id);
      const actor = { profile: await profileOf(owner.id), applicationId: 0n };
      const addBot = { guildId, bot: await profileOf(bot.id), applicationId: BigInt(bot.applicationId), permissions };
      const body = { $case: "addBot", value: addBot } as const;
      await router.call(
        "command",
        { requestId: generator.next(), actor, reason: "", body },
        { extra: { topic: guildId } },
      );
      await waitFor(async () => {
        const { memberships } = await users.call("listMemberships", { userId: BigInt(bot.id) });
        return memberships.some((membership) => membership.guildId === guildId && membership.member);
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
