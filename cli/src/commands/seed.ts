import type { Profile, Register } from "@guildhall/proto";
import { createClients } from "../clients.ts";
import type { FleetHandle } from "../fleet.ts";
import type { Output } from "../terminal.ts";

/** What `seed` was asked. */
export interface SeedRequest {
  readonly people: number;
  readonly guildId: bigint;
  /** Usernames are this and a number from 1. */
  readonly prefix: string;
  /** Everybody's password; empty = nobody can log in, which saves the work of hashing. */
  readonly password: string;
}

const accountsAtOnce = 200;
const joinsAtOnce = 100;

function batchesOf<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length; at += size) batches.push(items.slice(at, at + size));
  return batches;
}

/** The people of a seed: the same names for the same numbers. */
export function seedPeople({ people, prefix, password }: Omit<SeedRequest, "guildId">): Register[] {
  return Array.from({ length: people }, (_, index) => ({
    username: `${prefix}${index + 1}`,
    globalName: "",
    email: "",
    password,
  }));
}

/** Makes people who do not exist yet and lets all of them join the guild. May be repeated. */
export async function seed(fleet: FleetHandle, request: SeedRequest, output: Output): Promise<void> {
  await using clients = await createClients(fleet);
  const startedMs = performance.now();
  let done = 0;
  for (const batch of batchesOf(seedPeople(request), accountsAtOnce)) {
    const { sessions } = await clients.user.call("seedPeople", { people: batch }, { timeoutMs: 60_000 });
    const profiles = sessions.flatMap(({ account }): Profile[] => (account?.profile ? [account.profile] : []));
    for (const people of batchesOf(profiles, joinsAtOnce)) {
      const body = { $case: "addPeople", value: { guildId: request.guildId, people } } as const;
      const command = { requestId: clients.nextId(), actor: undefined, reason: "", body };
      await clients.router.call("command", command, { extra: { topic: request.guildId }, timeoutMs: 30_000 });
    }
    done += batch.length;
    output.note(`${done} of ${request.people} people`);
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  output.line(`${done} people are in guild ${request.guildId} (${seconds} s)`);
}
