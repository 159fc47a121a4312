import { AddPeople, CreateChannel, CreateGuild, type Profile } from "@guildhall/proto";
import type { ApiClient, Outcome } from "./api-client.ts";

/** A guild that people of a run are in. */
export interface SimGuild {
  readonly id: bigint;
  readonly owner: Profile;
  /** They stay. */
  readonly people: readonly Profile[];
  /** Whom the moderators shut out and let in again. */
  readonly victim: Profile;
  readonly bot: Profile;
  readonly general: bigint;
  /** Whose name counts up. */
  readonly register: bigint;
  /** Hidden from the victim now and then. */
  readonly secret: bigint;
}

/** Who a guild is made of, and its id. */
export interface SimGuildPlan {
  readonly id: bigint;
  readonly owner: Profile;
  readonly people: readonly Profile[];
  readonly victim: Profile;
  readonly bot: Profile;
}

const retryMs = 200;

/** Makes a guild through `api`, trying until it is there. */
export async function createSimGuild(client: ApiClient, plan: SimGuildPlan): Promise<SimGuild> {
  const { id, owner, people, victim, bot } = plan;
  const made = await persistently(client, () =>
    client.command(owner, id, { $case: "createGuild", value: CreateGuild.fromPartial({ guildId: id, name: "G" }) }),
  );
  await persistently(client, () =>
    client.command(undefined, id, {
      $case: "addPeople",
      value: AddPeople.fromPartial({ guildId: id, people: [...people, victim] }),
    }),
  );
  const joining = { guildId: id, bot, applicationId: bot.id, permissions: 0n };
  await persistently(client, () => client.command(owner, id, { $case: "addBot", value: joining }));
  const channel = async (name: string): Promise<bigint> => {
    const { json } = await persistently(client, () =>
      client.command(owner, id, { $case: "createChannel", value: CreateChannel.fromPartial({ guildId: id, name }) }),
    );
    return BigInt(fieldsOf(json).id ?? 0);
  };
  const register = await channel("v0");
  const secret = await channel("secret");
  return { ...plan, general: BigInt(fieldsOf(made.json).system_channel_id ?? 0), register, secret };
}

function fieldsOf(json: Uint8Array): Readonly<Record<string, string>> {
  return JSON.parse(Buffer.from(json).toString()) as Record<string, string>;
}

async function persistently<T>(client: ApiClient, attempt: () => Promise<Outcome<T>>): Promise<T> {
  for (;;) {
    const outcome = await attempt();
    if (outcome.is === "done") return outcome.value;
    if (outcome.is === "rejected") throw new Error(`a guild could not be made: ${outcome.code}`);
    await client.sleep(retryMs);
  }
}

/** Somebody's account. */
export function makeProfile(id: bigint, username: string, bot = false): Profile {
  return { id, username, globalName: "", avatar: "", bot, publicFlags: 0n };
}
