import { intentBits, validIntentsMask } from "@guildhall/protocol";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { APIChannel, APIGuild, APIInvite, APIMessage, APIRole } from "discord-api-types/v10";
import { expectRefusal, type Stage, setStage } from "../src/stage.ts";
import type { Witness } from "../src/witness.ts";

const view = "1024";

let stage: Stage;
/** The member's session. */
let member: Witness;

beforeAll(async () => {
  stage = await setStage();
  member = await stage.watch({ token: stage.member.token });
});

afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
});

const everyoneHidden = () => [{ id: stage.guild.id, type: 0, allow: "0", deny: view }];
const makeRole = (form: object = {}) =>
  stage.owner.rest.post<APIRole>(`/guilds/${stage.guild.id}/roles`, { name: "key", permissions: "0", ...form });
const hiddenChannel = (more: readonly object[] = []) =>
  stage.channel({ name: "back-room", permission_overwrites: [...everyoneHidden(), ...more] });
const roleOpens = (role: APIRole) => ({ id: role.id, type: 0, allow: view, deny: "0" });
const memberRole = (role: APIRole) => `/guilds/${stage.guild.id}/members/${stage.member.id}/roles/${role.id}`;

/** What the member's session was told meanwhile: name and the id that it is about. */
async function toldTo(witness: Witness, act: () => Promise<unknown>): Promise<[string, string][]> {
  const events = await stage.eventsOf(act, witness);
  return events.map(({ t, d }) => {
    const data = d as { id?: string; user?: { id: string }; role?: { id: string }; role_id?: string };
    return [t, data.role?.id ?? data.role_id ?? data.id ?? data.user?.id ?? ""];
  });
}

test("a hidden channel is absent from everything that a member can ask for", async () => {
  const { guild, owner, bot } = stage;
  const category = await stage.channel({ name: "Hidden", type: 4, permission_overwrites: everyoneHidden() });
  const hidden = await stage.channel({ parent_id: category.id, permission_overwrites: everyoneHidden() });
  const posted = await stage.post("a secret", hidden.id);
  const { code } = await owner.rest.post<APIInvite>(`/channels/${hidden.id}/invites`, {});
  const asked = stage.member.rest;
  const refused = [
    await asked.send("GET", `/channels/${hidden.id}`),
    await asked.send("GET", `/channels/${hidden.id}/messages`),
    await asked.send("GET", `/channels/${hidden.id}/messages/${posted.id}`),
    await asked.send("POST", `/channels/${hidden.id}/messages`, { content: "let me in" }),
    await asked.send("PATCH", `/channels/${hidden.id}/messages/${posted.id}`, { content: "changed" }),
    await asked.send("DELETE", `/channels/${hidden.id}/messages/${posted.id}`),
    await asked.send("PUT", `/channels/${hidden.id}/messages/${posted.id}/reactions/%F0%9F%91%8D/@me`),
    await asked.send("POST", `/channels/${hidden.id}/typing`),
    await asked.send("POST", `/channels/${hidden.id}/invites`, {}),
    await asked.send("PATCH", `/channels/${hidden.id}`, { name: "mine" }),
    await asked.send("DELETE", `/channels/${hidden.id}`),
    await asked.send("PUT", `/channels/${hidden.id}/permissions/${stage.member.id}`, { type: 1, allow: view }),
  ];
  for (const answer of refused) expectRefusal(answer, 403, 50001);
  expect((await asked.send("DELETE", `/invites/${code}`)).status).toBe(403);
  const listed = await asked.get<APIChannel[]>(`/guilds/${guild.id}/channels`);
  expect(listed.map(({ id }) => id)).not.toContain(hidden.id);
  expect(listed.map(({ id }) => id)).not.toContain(category.id);

  // A new session, and a bot without a role, as people.
  const blind = await stage.bots.make(owner, { name: "blind" });
  await stage.bots.add(blind, guild);
  for (const options of [{ token: stage.member.token }, { token: blind.token, intents: validIntentsMask }]) {
    const session = await stage.watch(options);
    const created = await session.guild(guild.id);
    expect(created.channels.map(({ id }) => id)).not.toContain(hidden.id);
    expect(created.channels.map(({ id }) => id)).not.toContain(category.id);
    expect(session.dispatches.some(({ text }) => text.includes(hidden.id))).toBe(false);
  }
  // Who sees it has it everywhere.
  const seen = stage.witness.dispatches.filter(({ text }) => text.includes(hidden.id)).map(({ t }) => t);
  expect(seen).toEqual(expect.arrayContaining(["CHANNEL_CREATE", "MESSAGE_CREATE", "INVITE_CREATE"]));
  expect(await bot.rest.get<APIMessage>(`/channels/${hidden.id}/messages/${posted.id}`)).toMatchObject({
    id: posted.id,
  });
});

test("what happens in a hidden channel reaches nobody who does not see it", async () => {
  const hidden = await hiddenChannel();
  const told = await toldTo(member, async () => {
    const { rest } = stage.owner;
    const posted = await stage.post("quiet", hidden.id);
    await rest.patch(`/channels/${hidden.id}/messages/${posted.id}`, { content: `<@${stage.member.id}>` });
    await rest.put(`/channels/${hidden.id}/messages/${posted.id}/reactions/%F0%9F%91%8D/@me`);
    await rest.post(`/channels/${hidden.id}/typing`);
    await rest.delete(`/channels/${hidden.id}/messages/${posted.id}`);
    await rest.post(`/channels/${hidden.id}/invites`, {});
    await rest.patch(`/channels/${hidden.id}`, { topic: "secret" });
    await rest.delete(`/channels/${hidden.id}`);
  });
  expect(told).toEqual([]);
});

test("a granted role opens a channel from the next event on, a revoked one closes it", async () => {
  const role = await makeRole();
  const hidden = await hiddenChannel([roleOpens(role)]);
  const told = await toldTo(member, async () => {
    await stage.post("before", hidden.id);
    await stage.owner.rest.put(memberRole(role));
    await stage.post("between", hidden.id);
    await stage.owner.rest.delete(memberRole(role));
    await stage.post("after", hidden.id);
  });
  const between = (await stage.bot.rest.get<APIMessage[]>(`/channels/${hidden.id}/messages`))[1];
  expect(told).toEqual([
    ["GUILD_MEMBER_UPDATE", stage.member.id],
    ["CHANNEL_CREATE", hidden.id],
    ["MESSAGE_CREATE", between?.id],
    ["GUILD_MEMBER_UPDATE", stage.member.id],
    ["CHANNEL_DELETE", hidden.id],
  ]);
});

test("an overwrite opens and closes a channel", async () => {
  const hidden = await hiddenChannel();
  const path = `/channels/${hidden.id}/permissions/${stage.member.id}`;
  const told = await toldTo(member, async () => {
    await stage.owner.rest.put(path, { type: 1, allow: view });
    await stage.owner.rest.delete(path);
    await stage.post("unheard", hidden.id);
  });
  // Who gains it by the channel's own change sees that change, and is given the channel after it.
  expect(told).toEqual([
    ["CHANNEL_UPDATE", hidden.id],
    ["CHANNEL_CREATE", hidden.id],
    ["CHANNEL_DELETE", hidden.id],
  ]);
  expect((await stage.member.rest.send("GET", `/channels/${hidden.id}`)).status).toBe(403);
});

test("an edit of a channel's overwrites hides it at once from those who saw it", async () => {
  const open = await stage.channel();
  const told = await toldTo(member, async () => {
    await stage.owner.rest.patch(`/channels/${open.id}`, { permission_overwrites: everyoneHidden() });
    await stage.post("unheard", open.id);
    await stage.owner.rest.patch(`/channels/${open.id}`, { permission_overwrites: [] });
  });
  expect(told).toEqual([
    ["CHANNEL_DELETE", open.id],
    ["CHANNEL_UPDATE", open.id],
    ["CHANNEL_CREATE", open.id],
  ]);
});

test("an edited role changes what its members see", async () => {
  const role = await makeRole();
  await stage.owner.rest.put(memberRole(role));
  const hidden = await hiddenChannel();
  const told = await toldTo(member, async () => {
    await stage.owner.rest.patch(`/guilds/${stage.guild.id}/roles/${role.id}`, { permissions: "8" });
  });
  // An administrator sees every channel; which others there are, earlier tests decide.
  expect(told[0]).toEqual(["GUILD_ROLE_UPDATE", role.id]);
  const created = told.filter(([name]) => name === "CHANNEL_CREATE").map(([, id]) => id);
  expect(created).toContain(hidden.id);
  const lost = await toldTo(member, async () => {
    await stage.owner.rest.delete(`/guilds/${stage.guild.id}/roles/${role.id}`);
  });
  expect(lost[0]).toEqual(["GUILD_ROLE_DELETE", role.id]);
  expect(
    lost
      .filter(([name]) => name === "CHANNEL_DELETE")
      .map(([, id]) => id)
      .toSorted(),
  ).toEqual(created.toSorted());
});

test("a new channel reaches those who see it, and a deleted one those who saw it", async () => {
  const role = await makeRole();
  await stage.owner.rest.put(memberRole(role));
  let shown: APIChannel | undefined;
  const told = await toldTo(member, async () => {
    const hidden = await hiddenChannel();
    shown = await hiddenChannel([roleOpens(role)]);
    await stage.owner.rest.delete(`/channels/${hidden.id}`);
    await stage.owner.rest.delete(`/channels/${shown.id}`);
  });
  expect(told).toEqual([
    ["CHANNEL_CREATE", shown?.id],
    ["CHANNEL_DELETE", shown?.id],
  ]);
  await stage.owner.rest.delete(memberRole(role));
});

test("a channel that moves under another category keeps its own overwrites", async () => {
  const category = await stage.channel({ name: "Elsewhere", type: 4, permission_overwrites: everyoneHidden() });
  const open = await stage.channel();
  const told = await toldTo(member, async () => {
    await stage.owner.rest.patch(`/channels/${open.id}`, { parent_id: category.id });
  });
  expect(told).toEqual([["CHANNEL_UPDATE", open.id]]);
});

test("a transferred guild is seen whole by its new owner", async () => {
  const { owner } = stage;
  const heir = await stage.newcomer("heir");
  const session = await stage.watch({ token: heir.token });
  await session.guild(stage.guild.id);
  const hidden = await hiddenChannel();
  const from = session.mark;
  await owner.rest.patch<APIGuild>(`/guilds/${stage.guild.id}`, { owner_id: heir.id });
  await session.next("CHANNEL_CREATE", ({ id }) => id === hidden.id, from);
  expect(session.namesSince(from)[0]).toBe("GUILD_UPDATE");
  await heir.rest.patch<APIGuild>(`/guilds/${stage.guild.id}`, { owner_id: owner.id });
  await session.next("CHANNEL_DELETE", ({ id }) => id === hidden.id, from);
});

test("who is kicked is told so, the others too, and nothing comes afterwards", async () => {
  const person = await stage.newcomer("kicked");
  const session = await stage.watch({ token: person.token });
  await session.guild(stage.guild.id);
  const others = await toldTo(member, async () => {
    await stage.owner.rest.delete(`/guilds/${stage.guild.id}/members/${person.id}`);
    await stage.post("behind their back");
  });
  expect(others.map(([name]) => name)).toEqual(["GUILD_MEMBER_REMOVE", "MESSAGE_CREATE"]);
  expect(others[0]?.[1]).toBe(person.id);
  await session.next("GUILD_DELETE");
  // An event of their own, later than the message: what was to come of the guild would have come before.
  const own = await person.rest.post<APIGuild>("/guilds", { name: "a place of their own" });
  await session.next("GUILD_CREATE", ({ id }) => id === own.id);
  const { dispatches } = session;
  const deleted = dispatches.findIndex(({ t }) => t === "GUILD_DELETE");
  expect(dispatches.slice(deleted).map(({ t }) => t)).toEqual(["GUILD_DELETE", "GUILD_CREATE"]);
  expectRefusal(await person.rest.send("GET", `/guilds/${stage.guild.id}`), 403, 50001);
  expectRefusal(await person.rest.send("GET", `/channels/${stage.guild.channelId}/messages`), 403, 50001);
});

test("a session resumed after a kick gets what it saw before, and nothing of after", async () => {
  const person = await stage.newcomer("absent");
  const session = await stage.watch({ token: person.token });
  await session.guild(stage.guild.id);
  await stage.post("seen live");
  await session.next("MESSAGE_CREATE", ({ content }) => content === "seen live");
  await session.drop();
  const from = session.mark;
  await stage.post("missed, and theirs");
  await stage.owner.rest.delete(`/guilds/${stage.guild.id}/members/${person.id}`);
  await stage.post("not theirs");
  expect(await session.resume()).toBe(true);
  const names = session.dispatches
    .slice(from)
    .map(({ t, d }) => (t === "MESSAGE_CREATE" ? (d as APIMessage).content : t));
  expect(names).toEqual(["missed, and theirs", "GUILD_DELETE", "RESUMED"]);
});

test("events that need an intent or a permission reach only who has it", async () => {
  const { guild, owner } = stage;
  const plain = await stage.bots.make(owner, { name: "plain" });
  await stage.bots.add(plain, guild);
  const session = await stage.watch({ token: plain.token, intents: intentBits.GUILDS | intentBits.GUILD_MESSAGES });
  const told = await stage.eventsOf(async () => {
    await stage.newcomer("unannounced");
    await owner.rest.post(`/channels/${guild.channelId}/invites`, { unique: true });
    await owner.rest.post(`/channels/${guild.channelId}/typing`);
    const posted = await stage.post("gated");
    await owner.rest.put(`/channels/${guild.channelId}/messages/${posted.id}/reactions/%F0%9F%91%8D/@me`);
  }, session);
  expect(told.map(({ t }) => t)).toEqual(["MESSAGE_CREATE", "MESSAGE_CREATE"]);
  expect(told[1]?.d).toMatchObject({ content: "" });
});
