import { intentBits, privilegedIntents, validIntentsMask } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { APIMessage } from "discord-api-types/v10";
import { type Compression, type GatewaySocket, openGatewaySocket } from "../src/gateway-socket.ts";
import { numberingProblems } from "../src/history-check.ts";
import { makeCommunity } from "../src/people.ts";
import { eventProblems } from "../src/shapes.ts";
import { type Stage, setStage } from "../src/stage.ts";
import type { Witness } from "../src/witness.ts";

const guilds = intentBits.GUILDS;
const messages = intentBits.GUILD_MESSAGES;
const properties = { os: "linux", browser: "test", device: "test" };
const encodings: readonly (Compression | undefined)[] = [undefined, "zlib-stream", "zstd-stream"];

let stage: Stage;

beforeAll(async () => {
  stage = await setStage({ heartbeatInterval: "2s", resumeWindow: "3s" });
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

function open(options: Parameters<typeof openGatewaySocket>[1] = {}): Promise<GatewaySocket> {
  return openGatewaySocket(stage.fleet.gateway, options);
}

function identify(changes: object = {}): { op: number; d: object } {
  return { op: 2, d: { token: stage.bot.token, intents: guilds, properties, ...changes } };
}

async function codeAfter(payload: object | string | Buffer, options: Parameters<typeof open>[0] = {}): Promise<number> {
  const socket = await open(options);
  socket.send(payload);
  return (await socket.untilClosed()).code;
}

describe("close codes", () => {
  test("4001: an unknown opcode", async () => {
    expect(await codeAfter({ op: 99, d: null })).toBe(4001);
  });

  test("4002: what is no JSON, no object, or too large", async () => {
    expect(await codeAfter("{")).toBe(4002);
    expect(await codeAfter("[]")).toBe(4002);
    expect(await codeAfter(JSON.stringify({ op: 1, d: "x".repeat(20_000) }))).toBe(4002);
  });

  test("4003: anything but IDENTIFY and heartbeats first", async () => {
    expect(await codeAfter({ op: 3, d: { since: null, activities: [], status: "online", afk: false } })).toBe(4003);
  });

  test("4004: a token that nobody has", async () => {
    expect(await codeAfter(identify({ token: "no.such.token" }))).toBe(4004);
  });

  test("4005: a second IDENTIFY", async () => {
    const socket = await open();
    socket.send(identify());
    await socket.expect(({ t }) => t === "READY");
    socket.send(identify());
    expect((await socket.untilClosed()).code).toBe(4005);
  });

  test("4007: a RESUME ahead of what was sent", async () => {
    const session = await stage.watch({ token: stage.bot.token, intents: guilds });
    await session.drop();
    const { resume_gateway_url: url, session_id } = session.ready as NonNullable<Witness["ready"]>;
    const socket = await openGatewaySocket(url);
    socket.send({ op: 6, d: { token: stage.bot.token, session_id, seq: session.seq + 1 } });
    expect((await socket.untilClosed()).code).toBe(4007);
  });

  test("4010: a client shard that cannot be", async () => {
    for (const shard of [[1, 1], [0, 0], [-1, 2], "0,1"]) expect(await codeAfter(identify({ shard }))).toBe(4010);
  });

  test("4012: another version", async () => {
    expect(await codeAfter(identify(), { version: "5" })).toBe(4012);
  });

  test("4013: unknown intents, 4014: privileged ones that were not granted", async () => {
    expect(await codeAfter(identify({ intents: 1 << 30 }))).toBe(4013);
    const plain = await stage.bots.make(stage.owner, { name: "plain", flags: 0n });
    for (const name of ["GUILD_MEMBERS", "GUILD_PRESENCES", "MESSAGE_CONTENT"] as const) {
      expect(intentBits[name] & privilegedIntents).not.toBe(0);
      expect(await codeAfter(identify({ token: plain.token, intents: intentBits[name] }))).toBe(4014);
    }
  });

  test("a revoked token ends its sessions with 4004", async () => {
    const person = await stage.newcomer();
    const session = await stage.watch({ token: person.token });
    await person.rest.post("/auth/logout", {});
    expect((await session.socket.untilClosed()).code).toBe(4004);
  });
});

describe("beats", () => {
  test("are answered, also before IDENTIFY, and op 40 as op 1", async () => {
    const socket = await open();
    const hello = await socket.expect(({ op }) => op === 10);
    expect(hello.d).toMatchObject({ heartbeat_interval: 2000 });
    socket.send({ op: 1, d: null });
    await socket.expect(({ op }) => op === 11);
    socket.send(identify());
    await socket.expect(({ t }) => t === "READY");
    const from = socket.frames.length;
    socket.send({ op: 40, d: { seq: 1, qos: {} } });
    await socket.expect(({ op }) => op === 11, from);
    socket.close(1000);
  });

  test("that stay away end the connection, and the session can be resumed", async () => {
    const socket = await open();
    socket.send(identify());
    const ready = await socket.expect(({ t }) => t === "READY");
    await socket.expect(({ t }) => t === "GUILD_CREATE");
    const last = socket.frames.findLast(({ s }) => s !== null)?.s;
    const { code } = await socket.untilClosed();
    expect([1000, 1001, 4004]).not.toContain(code);
    const { resume_gateway_url: url, session_id } = ready.d as { resume_gateway_url: string; session_id: string };
    const again = await openGatewaySocket(url);
    again.send({ op: 6, d: { token: stage.bot.token, session_id, seq: last } });
    await again.expect(({ t }) => t === "RESUMED");
    again.close(1000);
  });
});

describe("READY and GUILD_CREATE", () => {
  test("have every key that clients need, and no other", async () => {
    const sessions = [
      await stage.watch({ token: stage.bot.token, intents: validIntentsMask }),
      await stage.watch({ token: `Bot ${stage.bot.token}`, intents: guilds, shard: [0, 1] }),
      await stage.watch({ token: stage.member.token }),
    ];
    for (const { dispatches } of sessions) {
      expect(dispatches.flatMap(({ t, d }) => eventProblems(t, d))).toEqual([]);
      expect(dispatches[0]).toMatchObject({ t: "READY", s: 1 });
    }
    const [bot, sharded, person] = sessions.map(({ ready }) => ready);
    expect(person?.guilds.flatMap((guild) => eventProblems("GUILD_CREATE", guild))).toEqual([]);
    expect(bot).toMatchObject({
      v: 10,
      user: { id: stage.bot.id, bot: true, discriminator: "0", mfa_enabled: false, verified: true },
      guilds: [{ id: stage.guild.id, unavailable: true }],
      private_channels: [],
      application: { id: stage.bot.applicationId, flags: expect.any(Number) },
      session_id: expect.any(String),
      resume_gateway_url: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
    });
    expect(sharded).toMatchObject({ shard: [0, 1] });
    expect(person).toMatchObject({
      user: { id: stage.member.id },
      private_channels: [],
      guilds: [{ id: stage.guild.id }],
    });
    const created = await (sessions[0] as Witness).guild(stage.guild.id);
    expect(created).toMatchObject({ id: stage.guild.id, unavailable: false, large: false });
    expect(created.members.map(({ user }) => user?.id)).toContain(stage.bot.id);
    expect([60, 300, 900, 1800, 3600]).toContain(created.afk_timeout);
  });

  test("hold all members only with GUILD_PRESENCES and below large_threshold", async () => {
    const membersOf = async (intents: number) => {
      const session = await stage.watch({ token: stage.bot.token, intents, largeThreshold: 250 });
      return (await session.next("GUILD_CREATE")).members.map(({ user }) => user?.id);
    };
    expect(await membersOf(guilds)).toEqual([stage.bot.id]);
    expect(await membersOf(guilds | intentBits.GUILD_PRESENCES)).toEqual(
      expect.arrayContaining([stage.bot.id, stage.owner.id, stage.member.id]),
    );
  });
});

describe("intents", () => {
  test("gate the content of messages, but for one's own and those that name one", async () => {
    const { bot, guild, owner } = stage;
    const session = await stage.watch({ token: bot.token, intents: guilds | messages });
    const path = `/channels/${guild.channelId}/messages`;
    const embeds = [{ title: "shown or not" }];
    const [hidden, own, naming, reply] = [
      await owner.rest.post<APIMessage>(path, { content: "not for bots", embeds }),
      await bot.rest.post<APIMessage>(path, { content: "my own" }),
      await owner.rest.post<APIMessage>(path, { content: `hello <@${bot.id}>`, embeds }),
      await owner.rest.post<APIMessage>(path, { content: "fence" }),
    ];
    await session.next("MESSAGE_CREATE", ({ id }) => id === reply.id);
    const seen = (id: string) => session.next("MESSAGE_CREATE", (message) => message.id === id);
    expect(await seen(hidden.id)).toMatchObject({ content: "", embeds: [] });
    expect(await seen(own.id)).toMatchObject({ content: "my own" });
    expect(await seen(naming.id)).toMatchObject({ content: `hello <@${bot.id}>`, embeds: [{ title: "shown or not" }] });
    // By REST the application's grant decides, which it has.
    expect(await bot.rest.get(`${path}/${hidden.id}`)).toMatchObject({ content: "not for bots" });
    const plain = await stage.bots.make(owner, { name: "unprivileged", flags: 0n });
    await stage.bots.add(plain, guild);
    expect(await plain.rest.get(`${path}/${hidden.id}`)).toMatchObject({ content: "", embeds: [] });
  });

  test("leave out what was not asked for, but never one's own member", async () => {
    const { bot, guild, owner } = stage;
    const session = await stage.watch({ token: bot.token, intents: messages });
    expect(session.namesSince(0)).toEqual(["READY"]);
    // Nothing tells such a session that its guild is there, but what happens in it.
    await waitFor(async () => {
      await stage.post("there?");
      return session.mark > 1;
    });
    const from = session.mark;
    const told = await stage.eventsOf(async () => {
      const role = await owner.rest.post<{ id: string }>(`/guilds/${guild.id}/roles`, { name: "for the bot" });
      await owner.rest.put(`/guilds/${guild.id}/members/${bot.id}/roles/${role.id}`);
      await owner.rest.put(`/guilds/${guild.id}/members/${stage.member.id}/roles/${role.id}`);
      await owner.rest.patch(`/guilds/${guild.id}`, { name: "renamed" });
      await owner.rest.delete(`/guilds/${guild.id}/roles/${role.id}`);
    }, stage.witness);
    expect(told.map(({ t }) => t)).toEqual(expect.arrayContaining(["GUILD_UPDATE", "GUILD_ROLE_CREATE"]));
    const last = stage.witness.dispatches.findLast(({ t }) => t === "MESSAGE_CREATE")?.d as APIMessage;
    await session.next("MESSAGE_CREATE", ({ id }) => id === last.id);
    const names = session.namesSince(from).filter((name) => name !== "MESSAGE_CREATE");
    expect(names).toEqual(["GUILD_MEMBER_UPDATE"]);
  });

  test("client shards split a bot's guilds", async () => {
    const { bot, owner, bots } = stage;
    const made = [await makeCommunity(owner), await makeCommunity(owner), await makeCommunity(owner)];
    for (const guild of made) await bots.add(bot, guild);
    const all = [stage.guild, ...made];
    const shards = [0, 1];
    const shardOf = (id: string) => Number((BigInt(id) >> 22n) % BigInt(shards.length));
    const sessions = await Promise.all(
      shards.map((id) => stage.watch({ token: bot.token, intents: guilds | messages, shard: [id, shards.length] })),
    );
    for (const guild of all) await stage.post(`to ${guild.id}`, guild.channelId);
    for (const [id, session] of sessions.entries()) {
      const own = all.filter((guild) => shardOf(guild.id) === id);
      expect(session.ready?.guilds.map((guild) => guild.id).toSorted()).toEqual(
        own.map((guild) => guild.id).toSorted(),
      );
      for (const guild of own) await session.next("MESSAGE_CREATE", ({ channel_id }) => channel_id === guild.channelId);
      const heard = session.dispatches.filter(({ t }) => t === "MESSAGE_CREATE");
      expect(heard).toHaveLength(own.length);
    }
    for (const guild of made) await owner.rest.delete(`/guilds/${guild.id}`);
  });
});

describe("RESUME", () => {
  for (const compress of encodings) {
    test(`replays just what was missed, with its numbers (${compress ?? "plain"})`, async () => {
      const session = await stage.watch({ token: stage.bot.token, intents: validIntentsMask, compress });
      // Another session sees the same without a break.
      const steady = await stage.watch({ token: stage.bot.token, intents: validIntentsMask });
      const post = (stem: string, count: number) =>
        Promise.all(Array.from({ length: count }, (_, at) => stage.post(`${stem} ${at} ${compress}`)));
      // What a new session is given depends on when it came; from here on both are to be told the same.
      const begin = await stage.post(`begin ${compress}`);
      for (const each of [session, steady]) await each.next("MESSAGE_CREATE", ({ id }) => id === begin.id);
      await post("before", 20);
      await session.drop();
      await post("during", 40);
      await stage.channel({ name: `made-during-${compress}` });
      expect(await session.resume()).toBe(true);
      const replayed = session.mark;
      await post("after", 20);
      const end = await stage.post(`end ${compress}`);
      for (const each of [session, steady]) await each.next("MESSAGE_CREATE", ({ id }) => id === end.id);
      expect(numberingProblems("resumed", session.dispatches)).toEqual([]);
      const what = ({ dispatches }: Witness) => {
        const own = dispatches.filter(({ text }) => text.includes(stage.guild.id)).map(({ t, d }) => [t, d] as const);
        return own.slice(own.findIndex(([, d]) => (d as APIMessage).id === begin.id));
      };
      expect(what(session)).toEqual(what(steady));
      expect(session.dispatches[replayed - 1]).toMatchObject({ t: "RESUMED", d: expect.any(Object) });
    });
  }

  test("works on the gateway's common port's url as on its own, as often as needed", async () => {
    const session = await stage.watch({ token: stage.bot.token, intents: validIntentsMask });
    for (let round = 0; round < 5; round += 1) {
      await session.drop();
      const posted = await stage.post(`round ${round}`);
      expect(await session.resume()).toBe(true);
      await session.next("MESSAGE_CREATE", ({ id }) => id === posted.id);
    }
    expect(numberingProblems("resumed", session.dispatches)).toEqual([]);
  });

  test("of a session that is gone is INVALID_SESSION false, and the socket can identify", async () => {
    const { ready } = stage.witness;
    const socket = await openGatewaySocket((ready as NonNullable<typeof ready>).resume_gateway_url);
    socket.send({ op: 6, d: { token: stage.bot.token, session_id: "0".repeat(32), seq: 3 } });
    expect((await socket.expect(({ op }) => op === 9)).d).toBe(false);
    socket.send(identify());
    await socket.expect(({ t }) => t === "READY");
    socket.close(1000);
  });

  test("after the window, after a close with 1000, with another's token: the session is gone", async () => {
    const late = await stage.watch({ token: stage.bot.token, intents: guilds });
    await late.drop();
    const closed = await stage.watch({ token: stage.bot.token, intents: guilds });
    closed.socket.close(1000);
    await closed.socket.untilClosed();
    expect(await closed.resume()).toBe(false);
    const stolen = await stage.watch({ token: stage.bot.token, intents: guilds });
    await stolen.drop();
    const { resume_gateway_url: url, session_id } = stolen.ready as NonNullable<Witness["ready"]>;
    const thief = await openGatewaySocket(url);
    thief.send({ op: 6, d: { token: stage.member.token, session_id, seq: stolen.seq } });
    const ended = await Promise.race([thief.expect(({ op }) => op === 9), thief.untilClosed()]);
    expect(ended).toEqual(expect.objectContaining("op" in ended ? { op: 9, d: false } : { code: 4004 }));
    expect(thief.frames.every(({ t }) => t === null)).toBe(true);
    // The window of this fleet is 3 s.
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(await late.resume()).toBe(false);
  });
});
