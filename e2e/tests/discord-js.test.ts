import { waitFor } from "@guildhall/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import {
  Client,
  Events,
  GatewayIntentBits,
  type GuildMember,
  type Message,
  Partials,
  type TextChannel,
} from "discord.js";
import type { APIMessage, GatewayDispatchPayload } from "discord-api-types/v10";
import type { Bot } from "../src/bots.ts";
import { makeCommunity } from "../src/people.ts";
import { eventProblems } from "../src/shapes.ts";
import { type Stage, setStage } from "../src/stage.ts";

const kickMembers = 1n << 1n;
const manageRoles = 1n << 28n;
const view = 1n << 10n;

let stage: Stage;
let bot: Bot;
let client: Client<true>;
/** Every dispatch that the library was given. */
let raw: GatewayDispatchPayload[] = [];
let mark = 0;

beforeAll(async () => {
  stage = await setStage();
  bot = await stage.bots.make(stage.owner, { name: "stock" });
  await stage.bots.add(bot, stage.guild, kickMembers | manageRoles | view);
  client = await logIn();
});

afterAll(async () => {
  await client?.destroy();
  await stage?.[Symbol.asyncDispose]();
});

beforeEach(() => {
  mark = raw.length;
});

afterEach(() => {
  expect(raw.slice(mark).flatMap(({ t, d }) => eventProblems(t, d))).toEqual([]);
});

async function logIn(): Promise<Client<true>> {
  const api = stage.fleet.endpoints.api.replace(/\/v10$/, "");
  const made = new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMembers,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.GuildMessageReactions,
      GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Message, Partials.Reaction],
    rest: { api },
  });
  made.on("raw" as Events.Raw, (packet: GatewayDispatchPayload) => {
    // The library writes into what it was given.
    raw.push(structuredClone(packet));
  });
  const ready = new Promise<Client<true>>((resolve) => made.once(Events.ClientReady, resolve));
  await made.login(bot.token);
  return await ready;
}

const channel = () => client.channels.cache.get(stage.guild.channelId) as TextChannel;

/** Does something; the names of the events that the library was given of it. */
async function told(act: () => Promise<unknown>): Promise<string[]> {
  const from = raw.length;
  await act();
  const fence = await stage.post("fence");
  await waitFor(() => raw.some(({ t, d }) => t === "MESSAGE_CREATE" && d.id === fence.id), { timeoutMs: 20_000 });
  return raw.slice(from, -1).map(({ t }) => t as string);
}

function next<T>(name: Events | string, matches: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const listener = (value: T) => {
      if (!matches(value)) return;
      client.off(name, listener as never);
      resolve(value);
    };
    client.on(name, listener as never);
  });
}

test("is ready with its guild, channels and its own member, after just READY and GUILD_CREATE", () => {
  expect(raw.map(({ t, s }) => [t, s])).toEqual([
    ["READY", 1],
    ["GUILD_CREATE", 2],
  ]);
  expect(client.user.id).toBe(bot.id);
  const guild = client.guilds.cache.get(stage.guild.id);
  expect(guild?.available).toBe(true);
  expect(guild?.ownerId).toBe(stage.owner.id);
  expect(guild?.members.me?.id).toBe(bot.id);
  expect(channel().name).toBe("general");
  expect(client.application.id).toBe(bot.applicationId);
});

test("answers !ping", async () => {
  const answer = (message: Message) => {
    if (message.content === "!ping") void message.reply("pong");
  };
  client.on(Events.MessageCreate, answer);
  const names = await told(async () => {
    const asked = await stage.member.rest.post<APIMessage>(`/channels/${stage.guild.channelId}/messages`, {
      content: "!ping",
    });
    const pong = await stage.witness.next("MESSAGE_CREATE", ({ content }) => content === "pong");
    expect(pong).toMatchObject({ author: { id: bot.id, bot: true }, message_reference: { message_id: asked.id } });
    expect(pong.mentions.map(({ id }) => id)).toEqual([stage.member.id]);
  });
  client.off(Events.MessageCreate, answer);
  expect(names).toEqual(["MESSAGE_CREATE", "MESSAGE_CREATE"]);
});

test("chats both ways: sends, hears, edits, deletes, reads back", async () => {
  const names = await told(async () => {
    const heard = next<Message>(Events.MessageCreate, ({ author }) => author.id === stage.owner.id);
    await stage.post("hello, bot");
    expect((await heard).content).toBe("hello, bot");
    const sent = await channel().send({ content: "hello, owner", embeds: [{ title: "a card" }] });
    expect(sent.embeds[0]?.title).toBe("a card");
    const edited = await sent.edit("hello again");
    expect(edited.content).toBe("hello again");
    const history = await channel().messages.fetch({ limit: 2 });
    expect(history.map(({ content }) => content)).toEqual(["hello again", "hello, bot"]);
    await sent.delete();
    await channel().sendTyping();
  });
  expect(names).toEqual(["MESSAGE_CREATE", "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]);
});

test("reacts, and sees reactions come and go", async () => {
  const names = await told(async () => {
    const posted = await stage.post("react to me");
    const message = await channel().messages.fetch(posted.id);
    await message.react("🎉");
    const added = next<{ emoji: { name: string } }>(Events.MessageReactionAdd, ({ emoji }) => emoji.name === "👍");
    const path = `/channels/${stage.guild.channelId}/messages/${posted.id}/reactions/${encodeURIComponent("👍")}/@me`;
    await stage.member.rest.put(path);
    await added;
    const removed = next<{ emoji: { name: string } }>(Events.MessageReactionRemove, ({ emoji }) => emoji.name === "👍");
    await stage.member.rest.delete(path);
    await removed;
    await message.reactions.cache.get("🎉")?.users.remove(client.user);
  });
  expect(names).toEqual([
    "MESSAGE_CREATE",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_ADD",
    "MESSAGE_REACTION_REMOVE",
    "MESSAGE_REACTION_REMOVE",
  ]);
});

test("makes, gives, takes and deletes roles", async () => {
  const names = await told(async () => {
    const guild = await client.guilds.fetch(stage.guild.id);
    const role = await guild.roles.create({ name: "crew", colors: { primaryColor: 0x00ff00 }, permissions: [] });
    expect(role.colors.primaryColor).toBe(0x00ff00);
    const member = await guild.members.fetch(stage.member.id);
    const updated = next<GuildMember>(Events.GuildMemberUpdate, ({ id }) => id === member.id);
    await member.roles.add(role);
    await updated;
    expect(guild.members.cache.get(member.id)?.roles.cache.has(role.id)).toBe(true);
    await member.roles.remove(role);
    await role.edit({ name: "former crew" });
    await role.delete();
  });
  expect(names).toEqual([
    "GUILD_ROLE_CREATE",
    "GUILD_MEMBER_UPDATE",
    "GUILD_MEMBER_UPDATE",
    "GUILD_ROLE_UPDATE",
    "GUILD_ROLE_DELETE",
  ]);
});

test("sees nothing of a private channel until it is let in, and nothing once it is out", async () => {
  const { rest } = stage.owner;
  let hidden = "";
  const before = await told(async () => {
    hidden = (
      await stage.channel({ name: "private", permission_overwrites: [{ id: stage.guild.id, type: 0, deny: "1024" }] })
    ).id;
    await stage.post("not for the bot", hidden);
  });
  expect(before).toEqual([]);
  expect(client.channels.cache.has(hidden)).toBe(false);
  expect(raw.some((packet) => JSON.stringify(packet.d).includes(hidden))).toBe(false);
  const inside = await told(async () => {
    await rest.put(`/channels/${hidden}/permissions/${bot.id}`, { type: 1, allow: "1024" });
    await stage.post("for the bot", hidden);
    await waitFor(() => client.channels.cache.has(hidden));
  });
  expect(inside).toEqual(["CHANNEL_UPDATE", "CHANNEL_CREATE", "MESSAGE_CREATE"]);
  const after = await told(async () => {
    await rest.delete(`/channels/${hidden}/permissions/${bot.id}`);
    await stage.post("not for the bot either", hidden);
  });
  expect(after).toEqual(["CHANNEL_DELETE"]);
  expect(client.channels.cache.has(hidden)).toBe(false);
});

test("kicks, and sees people come and go", async () => {
  const names = await told(async () => {
    const joined = next<GuildMember>(Events.GuildMemberAdd, () => true);
    const person = await stage.newcomer("rude");
    const member = await joined;
    expect(member.id).toBe(person.id);
    const left = next<GuildMember>(Events.GuildMemberRemove, ({ id }) => id === person.id);
    await member.kick("rude");
    await left;
  });
  expect(names).toEqual(["GUILD_MEMBER_ADD", "MESSAGE_CREATE", "GUILD_MEMBER_REMOVE"]);
});

test("resumes after its socket was cut, and has missed and doubled nothing", async () => {
  const posted: string[] = [];
  const from = raw.length;
  const post = async (content: string) => {
    posted.push((await stage.post(content)).id);
  };
  const resumed = next<number>(Events.ShardResume, () => true);
  for (let count = 0; count < 10; count += 1) await post(`before ${count}`);
  cutSocket();
  for (let count = 0; count < 25; count += 1) await post(`while away ${count}`);
  await resumed;
  for (let count = 0; count < 10; count += 1) await post(`back ${count}`);
  const last = posted.at(-1);
  await waitFor(() => raw.some(({ d }) => (d as APIMessage).id === last), { timeoutMs: 20_000 });
  const seen = raw.slice(from);
  expect(seen.filter(({ t }) => t === "MESSAGE_CREATE").map(({ d }) => (d as APIMessage).id)).toEqual(posted);
  expect(seen.filter(({ t }) => t !== "MESSAGE_CREATE").map(({ t }) => t)).toEqual(["RESUMED"]);
  expect(raw.map(({ s }) => s)).toEqual(raw.map((_, at) => at + 1));
});

/** Cuts the connection below the library, as a network does. */
function cutSocket(): void {
  const { _ws: manager } = client.ws as unknown as {
    _ws: { strategy: { shards: Map<number, { connection: { terminate(): void } }> } };
  };
  const shard = manager.strategy.shards.get(0);
  if (shard === undefined) throw new Error("the library has no connection");
  shard.connection.terminate();
}

test("is told of a guild that it joins, and of being kicked, and of nothing there afterwards", async () => {
  const other = await makeCommunity(stage.owner);
  const joined = next<{ id: string }>(Events.GuildCreate, ({ id }) => id === other.id);
  await stage.bots.add(bot, other);
  await joined;
  await stage.post("heard", other.channelId);
  const deleted = next<{ id: string }>(Events.GuildDelete, ({ id }) => id === other.id);
  await stage.owner.rest.delete(`/guilds/${other.id}/members/${bot.id}`);
  await deleted;
  const names = await told(() => stage.post("unheard", other.channelId));
  expect(names).toEqual([]);
  const own = raw.slice(mark).filter(({ d }) => JSON.stringify(d).includes(other.id));
  expect(own.map(({ t }) => t)).toEqual(["GUILD_CREATE", "MESSAGE_CREATE", "GUILD_DELETE"]);
});

test("ends its session when it logs out, and begins a new one when it logs in again", async () => {
  await client.destroy();
  await stage.post("nobody there");
  raw = [];
  client = await logIn();
  expect(raw.map(({ t }) => t)).toEqual(["READY", "GUILD_CREATE"]);
  mark = raw.length;
});
