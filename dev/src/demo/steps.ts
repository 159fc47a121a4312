import { randomBytes } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import type { Actor, Command, Profile } from "@guildhall/proto";
import type { RouterClient, UserClient } from "@guildhall/rpc";
import { writeJsonFile } from "../state/json-file.ts";
import { type Demo, type DemoPerson, type DemoSoFar, readDemo, readDemoSoFar } from "./demo.ts";
import { persistently, until } from "./persistently.ts";

/** What the steps use. */
export interface DemoContext {
  readonly router: RouterClient;
  readonly user: UserClient;
  readonly nextId: () => bigint;
  readonly file: string;
}

/** Discord's application flags for the privileged intents: presences, members, message content. */
const privilegedIntents = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** Numbers of the permission bits that the bot gets: what bots commonly ask for, short of administrator. */
const botPermissions = [
  0, // create invites
  1, // kick members
  4, // manage channels
  6, // add reactions
  10, // view channels
  11, // send messages
  13, // manage messages
  14, // embed links
  15, // attach files
  16, // read message history
  17, // mention everyone
  28, // manage roles
].reduce((all, bit) => all | (1n << BigInt(bit)), 0n);

/** Makes what the file does not keep yet, step by step; each finished step is kept. */
export async function makeDemoSteps(context: DemoContext): Promise<Demo> {
  const { file } = context;
  const made: DemoSoFar = readDemoSoFar(file);
  const keep = (step: DemoSoFar): void => {
    Object.assign(made, step);
    writeJsonFile(file, made);
  };
  const owner = made.owner ?? (await register(context, "owner", "Olive Owner"));
  keep({ owner });
  const member = made.member ?? (await register(context, "member", "Mika Member"));
  keep({ member });
  const bot = made.bot ?? (await createBot(context, owner));
  keep({ bot });
  const profiles = await profilesOf(context, [owner.id, member.id, bot.id]);
  const actor = actorOf(profiles, owner.id);
  const guildId = made.guildId ?? (await createGuild(context, actor));
  keep({ guildId });
  const channelId = made.channelId ?? (await firstTextChannel(context, actor, guildId));
  keep({ channelId });
  await populate(context, actor, BigInt(guildId), profiles, { member, bot });
  await until(() => areAllMembers(context, guildId, [owner.id, member.id, bot.id]));
  keep({ isPopulated: true });
  const demo = readDemo(file);
  if (demo === undefined) throw new GuildhallError("INTERNAL", `${file} does not keep the demo`);
  return demo;
}

async function register({ user }: DemoContext, name: string, globalName: string): Promise<DemoPerson> {
  const password = randomBytes(12).toString("base64url");
  const ask = async (username: string): Promise<DemoPerson> => {
    const email = `${username}@example.com`;
    const session = await persistently(() => user.call("register", { username, globalName, email, password }));
    return { id: idOf(session.account?.profile), token: session.token, login: email, password };
  };
  try {
    return await ask(name);
  } catch (error) {
    if ((error as GuildhallError).code !== "INVALID_FORM") throw error;
    // Taken: by a start that was broken off before it kept what it had made.
    return await ask(`${name}_${randomBytes(3).toString("hex")}`);
  }
}

async function createBot({ user }: DemoContext, owner: DemoPerson): Promise<Demo["bot"]> {
  const wish = { ownerId: BigInt(owner.id), name: "Demo Bot", flags: privilegedIntents };
  const application = await persistently(() => user.call("createApplication", wish));
  return { applicationId: String(application.id), id: idOf(application.bot), token: application.botToken };
}

async function profilesOf({ user }: DemoContext, ids: readonly string[]): Promise<ReadonlyMap<string, Profile>> {
  const { accounts } = await persistently(() => user.call("getUsers", { ids: ids.map(BigInt) }));
  return new Map(accounts.flatMap(({ profile }) => (profile === undefined ? [] : [[String(profile.id), profile]])));
}

function profileOf(profiles: ReadonlyMap<string, Profile>, id: string): Profile {
  const profile = profiles.get(id);
  if (profile === undefined)
    throw new GuildhallError("UNKNOWN_USER", `demo.json names account ${id}, which is unknown`);
  return profile;
}

function actorOf(profiles: ReadonlyMap<string, Profile>, id: string): Actor {
  return { profile: profileOf(profiles, id), applicationId: 0n };
}

async function createGuild(context: DemoContext, actor: Actor): Promise<string> {
  const guildId = context.nextId();
  await command(context, actor, guildId, { $case: "createGuild", value: { guildId, name: "Demo Guild" } });
  return String(guildId);
}

async function firstTextChannel({ router }: DemoContext, actor: Actor, guildId: string): Promise<string> {
  const topic = BigInt(guildId);
  const read = { actor, body: { $case: "listChannels", value: { guildId: topic } } } as const;
  const { of } = await persistently(() => router.call("read", read, { extra: { topic } }));
  if (of?.$case !== "json") throw new GuildhallError("INTERNAL", "the channels of the demo guild were not answered");
  const channels = JSON.parse(of.value.toString()) as readonly { readonly id: string; readonly type: number }[];
  const text = channels.find(({ type }) => type === 0);
  if (text === undefined) throw new GuildhallError("INTERNAL", "the demo guild has no text channel");
  return text.id;
}

async function populate(
  context: DemoContext,
  actor: Actor,
  guildId: bigint,
  profiles: ReadonlyMap<string, Profile>,
  { member, bot }: Pick<Demo, "member" | "bot">,
): Promise<void> {
  const people = [profileOf(profiles, member.id)];
  // Without an actor: nobody but the operator adds people who were not invited.
  await command(context, undefined, guildId, { $case: "addPeople", value: { guildId, people } });
  const addBot = {
    guildId,
    bot: profileOf(profiles, bot.id),
    applicationId: BigInt(bot.applicationId),
    permissions: botPermissions,
  };
  await command(context, actor, guildId, { $case: "addBot", value: addBot });
}

/** Memberships reach the accounts after the guild's host has decided them. */
async function areAllMembers({ user }: DemoContext, guildId: string, ids: readonly string[]): Promise<boolean> {
  const lists = await Promise.all(
    ids.map((id) => persistently(() => user.call("listMemberships", { userId: BigInt(id) }))),
  );
  return lists.every(({ memberships }) => memberships.some((row) => String(row.guildId) === guildId && row.member));
}

/** Repeated with the same request id: done once however often it is sent. */
async function command(
  context: DemoContext,
  actor: Actor | undefined,
  topic: bigint,
  body: Command["body"],
): Promise<void> {
  const wish: Command = { requestId: context.nextId(), actor, reason: "", body };
  await persistently(() => context.router.call("command", wish, { extra: { topic } }));
}

function idOf(profile: Profile | undefined): string {
  if (profile === undefined) throw new GuildhallError("INTERNAL", "an account was answered without its profile");
  return String(profile.id);
}
