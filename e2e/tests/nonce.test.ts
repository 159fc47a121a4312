import { createRouterClient } from "@guildhall/rpc";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIChannel, APIMessage, APIRole } from "discord-api-types/v10";
import { orderProblems, readHistory } from "../src/history-check.ts";
import { type Stage, setStage } from "../src/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

test("an enforced nonce makes one message, however often it is sent, and one event", async () => {
  const { owner, member, guild } = stage;
  const path = `/channels/${guild.channelId}/messages`;
  const form = { content: "just once", nonce: "the same", enforce_nonce: true };
  const events = await stage.expectEvents(async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => owner.rest.send("POST", path, form)));
    const ids = new Set(answers.map(({ body }) => (body as APIMessage).id));
    expect([ids.size, answers.map(({ status }) => status)]).toEqual([1, Array.from({ length: 8 }, () => 200)]);
    const [first] = answers;
    for (const answer of answers) expect(answer.body).toEqual(first?.body);
  }, ["MESSAGE_CREATE"]);
  expect(events[0]?.d).toMatchObject({ content: "just once", nonce: "the same" });
  // Of another author, in another channel, or not enforced, it is another message.
  const others = [
    await member.rest.post<APIMessage>(path, form),
    await owner.rest.post<APIMessage>(`/channels/${(await stage.channel()).id}/messages`, form),
    await owner.rest.post<APIMessage>(path, { ...form, enforce_nonce: false }),
    await owner.rest.post<APIMessage>(path, { ...form, nonce: "another" }),
  ];
  const all = [...others, events[0]?.d as APIMessage].map(({ id }) => id);
  expect(new Set(all).size).toBe(5);
});

test("a nonce is remembered over a restart of its host, and of the journal", async () => {
  const { owner, guild, fleet } = stage;
  const path = `/channels/${guild.channelId}/messages`;
  const form = { content: "over restarts", nonce: 123_456, enforce_nonce: true };
  const first = await owner.rest.post<APIMessage>(path, form);
  for (const name of ["guild-0", "guild-1", "data-0"]) await fleet.fleet.restart(name);
  const again = await owner.rest.post<APIMessage>(path, form);
  expect(again).toEqual(first);
  const history = await readHistory(owner.rest, guild.channelId);
  expect(history.filter(({ content }) => content === "over restarts")).toHaveLength(1);
});

test("a nonce sent many times while its host is killed makes one message", async () => {
  const { owner, member, guild, fleet } = stage;
  const path = `/channels/${guild.channelId}/messages`;
  const ids: string[] = [];
  for (const host of fleet.namesOf("guild")) {
    const form = { content: `while ${host} dies`, nonce: host, enforce_nonce: true };
    const post = ({ rest }: typeof owner) => rest.post<APIMessage>(path, form);
    const early = [owner, owner, member, owner].map(post);
    const killed = fleet.killAndAwait(host);
    const late = [member, owner, owner, member].map(post);
    const answers = await Promise.all([...early, ...late]);
    await killed;
    answers.push(await post(owner), await post(member));
    const own = answers.filter(({ author }) => author.id === owner.id);
    expect([new Set(own.map(({ id }) => id)).size, new Set(answers.map(({ id }) => id)).size]).toEqual([1, 2]);
    ids.push(...new Set(answers.map(({ id }) => id)));
  }
  const history = await readHistory(owner.rest, guild.channelId);
  const kept = history.filter(({ content }) => content.startsWith("while ")).map(({ id }) => id);
  expect(kept).toEqual(ids.toSorted());
});

test("a request that is repeated is answered as the first time, and done once", async () => {
  const { owner, guild, fleet, rest } = stage;
  await using router = createRouterClient(fleet.fleet.addressOf("router-0"));
  const user = await rest.as(owner.token).get<{ id: string; username: string }>("/users/@me");
  // An id of the kind that `api` gives each request, made now.
  const requestId = BigInt((await stage.post("for its id")).id) + 1n;
  const profile = {
    id: BigInt(user.id),
    username: user.username,
    globalName: "",
    avatar: "",
    bot: false,
    publicFlags: 0n,
  };
  const command = {
    requestId,
    actor: { profile, applicationId: 0n },
    reason: "",
    body: {
      $case: "createRole",
      value: {
        guildId: BigInt(guild.id),
        name: "asked twice",
        permissions: 0n,
        color: 0,
        hoist: false,
        mentionable: false,
      },
    },
  } as const;
  const ask = () => router.call("command", command, { extra: { topic: BigInt(guild.id) } });
  const [first, again] = await Promise.all([ask(), ask()]);
  const later = await ask();
  expect([again, later]).toEqual([first, first]);
  const roles = await owner.rest.get<APIRole[]>(`/guilds/${guild.id}/roles`);
  expect(roles.filter(({ name }) => name === "asked twice")).toHaveLength(1);
});

test("ids rise in the order in which everybody sees them, over restarts of every process", async () => {
  const { owner, fleet, guild, witness } = stage;
  const { id: channelId } = await stage.channel({ name: "over-restarts" });
  const acked: string[] = [];
  const post = async (count: number) => {
    for (let number = 0; number < count; number += 1) acked.push((await stage.post(`${acked.length}`, channelId)).id);
  };
  await post(5);
  for (const name of ["guild-0", "guild-1", "data-0", "coordinator-0", "router-0", "user-0", "api-0"]) {
    await fleet.fleet.restart(name);
    await post(5);
  }
  expect(orderProblems("acked", acked)).toEqual([]);
  const history = await readHistory(owner.rest, channelId);
  expect(history.map(({ id }) => id)).toEqual(acked);
  const last = acked.at(-1);
  await witness.next("MESSAGE_CREATE", ({ id }) => id === last);
  const seen = witness.dispatches
    .filter(({ t, d }) => t === "MESSAGE_CREATE" && (d as APIMessage).channel_id === channelId)
    .map(({ d }) => (d as APIMessage).id);
  expect(seen).toEqual(acked);
  // What is not a message is there, too.
  const channels = await owner.rest.get<APIChannel[]>(`/guilds/${guild.id}/channels`);
  expect(channels.map(({ id }) => id)).toContain(channelId);
});

test("a history longer than any page and any cache reads the same after all processes were stopped", async () => {
  const { owner, fleet } = stage;
  const { id: channelId } = await stage.channel({ name: "long" });
  const contents = Array.from({ length: 240 }, (_, at) => `long ${at}`);
  for (let at = 0; at < contents.length; at += 24) {
    await Promise.all(contents.slice(at, at + 24).map((content) => stage.post(content, channelId)));
  }
  const before = await readHistory(owner.rest, channelId);
  expect(before.map(({ content }) => content).toSorted()).toEqual(contents.toSorted());
  for (const name of ["api-0", "router-0", "guild-0", "guild-1", "user-0", "data-0", "coordinator-0"]) {
    await fleet.fleet.stop(name);
  }
  for (const name of ["coordinator-0", "data-0", "user-0", "guild-1", "guild-0", "router-0", "api-0"]) {
    void fleet.fleet.start(name);
  }
  await fleet.fleet.whenReady();
  expect(await readHistory(owner.rest, channelId)).toEqual(before);
});
