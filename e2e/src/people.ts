import { randomBytes } from "node:crypto";
import { waitFor } from "@guildhall/testing";
import type { APIGuild, APIInvite, APIUser } from "discord-api-types/v10";
import type { Rest } from "./rest.ts";

/** An account that a suite made. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  readonly token: string;
  /** REST as this person. */
  readonly rest: Rest;
}

let made = 0;

/** Registers a person with a name that begins with `stem`. */
export async function register(rest: Rest, stem = "person"): Promise<Person> {
  const name = `${stem}_${made++}_${randomBytes(3).toString("hex")}`;
  const password = `password of ${name}`;
  const { token } = await rest.as(undefined).post<{ token: string }>("/auth/register", {
    username: name,
    password,
    consent: true,
  });
  const own = rest.as(token);
  const { id } = await own.get<APIUser>("/users/@me");
  return { id, name, password, token, rest: own };
}

/** A guild that a suite made. */
export interface Community {
  readonly id: string;
  readonly owner: Person;
  /** The text channel that every new guild has. */
  readonly channelId: string;
  /** A code that lets anybody in. */
  readonly invite: string;
}

/** Makes a guild, with members. */
export async function makeCommunity(owner: Person, members: readonly Person[] = []): Promise<Community> {
  const guild = await owner.rest.post<APIGuild>("/guilds", { name: `guild of ${owner.name}` });
  const channels = await owner.rest.get<{ id: string; type: number }[]>(`/guilds/${guild.id}/channels`);
  const channelId = channels.find(({ type }) => type === 0)?.id;
  if (channelId === undefined) throw new Error("a new guild has no text channel");
  const { code } = await owner.rest.post<APIInvite>(`/channels/${channelId}/invites`, { max_age: 0 });
  await untilListed(owner.rest, guild.id);
  const community = { id: guild.id, owner, channelId, invite: code };
  for (const member of members) await join(community, member);
  return community;
}

/** Lets people in by the guild's invite; resolves when their next session will have the guild from its beginning. */
export async function join({ id, invite }: Pick<Community, "id" | "invite">, person: Person): Promise<void> {
  await person.rest.post(`/invites/${invite}`, {});
  await untilListed(person.rest, id);
}

/** The list of one's guilds, which sessions begin with, follows what the guilds' hosts have acked. */
async function untilListed(rest: Rest, guildId: string): Promise<void> {
  await waitFor(async () => (await rest.get<APIGuild[]>("/users/@me/guilds")).some(({ id }) => id === guildId));
}
