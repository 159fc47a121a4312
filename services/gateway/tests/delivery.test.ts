import { Permission } from "@guildhall/permissions";
import { intentBits } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import {
  commonIntents,
  guildId,
  openChannel,
  ownerId,
  staffChannel,
  staffOnly,
  staffRole,
  startPopulated,
} from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";
import { type AudienceOf, makeDispatch, viewers } from "./support/test-guild.ts";

const last = makeDispatch("GUILD_UPDATE", { id: String(guildId) });
const contents = (client: TestClient) =>
  client.ofType("MESSAGE_CREATE").map(({ d }) => (d as { content: string }).content);
const gained = (channelId: bigint): AudienceOf => ({ $case: "gainedChannel", value: channelId });
const lost = (channelId: bigint): AudienceOf => ({ $case: "lostChannel", value: channelId });

function message(content: string, channelId = openChannel, rest: Parameters<typeof makeDispatch>[2] = {}) {
  return makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(channelId), ...rest });
}

test("events reach those whose intents ask for them; members always get their own", async () => {
  await using fleet = await startPopulated();
  const wanted = {
    messages: intentBits.GUILDS | intentBits.GUILD_MESSAGES,
    guilds: intentBits.GUILDS,
    members: intentBits.GUILDS | intentBits.GUILD_MEMBERS,
    nothing: 0,
  };
  const clients: Record<string, TestClient> = {};
  let id = 10n;
  for (const [name, intents] of Object.entries(wanted)) {
    clients[name] = await fleet.connect().identify(fleet.addBot(id++), { intents });
  }
  await waitFor(async () => (await fleet.metric("guildhall_gateway_joins_total")) === 4);
  const update = makeDispatch("GUILD_MEMBER_UPDATE", { user: { id: "11" } }, { intentExemptUsers: [11n] });
  fleet.router.emit(fleet.guild, [update]);
  fleet.router.emit(fleet.guild, [message("hi")]);
  fleet.router.emit(fleet.guild, [makeDispatch("USER_UPDATE", {}), last]);
  const ready = ["READY"];
  const started = [...ready, "GUILD_CREATE"];
  const expected: Record<string, string[]> = {
    messages: [...started, "MESSAGE_CREATE", "USER_UPDATE", "GUILD_UPDATE"],
    guilds: [...started, "GUILD_MEMBER_UPDATE", "USER_UPDATE", "GUILD_UPDATE"],
    members: [...started, "GUILD_MEMBER_UPDATE", "USER_UPDATE", "GUILD_UPDATE"],
    nothing: [...ready, "USER_UPDATE"],
  };
  for (const [name, client] of Object.entries(clients)) {
    await waitFor(() => client.types.at(-1) === expected[name]?.at(-1));
    expect({ [name]: client.types }).toEqual({ [name]: expected[name] });
    expect(client.dispatches.map(({ s }) => s)).toEqual(client.dispatches.map((_, place) => place + 1));
  }
});

test("content is for those with MESSAGE_CONTENT, the author and the mentioned", async () => {
  await using fleet = await startPopulated();
  const gated = commonIntents & ~intentBits.MESSAGE_CONTENT;
  const privileged = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  const plain = await fleet.connect().identify(fleet.addBot(11n), { intents: gated });
  const mentioned = await fleet.connect().identify(fleet.addBot(12n), { intents: gated });
  const old = await fleet.connect({ query: "?v=9" }).identify(fleet.addBot(13n), { intents: gated });
  const replying = await fleet.connect().identify(fleet.addBot(14n), { intents: gated });
  const clients = [privileged, plain, mentioned, old, replying];
  await Promise.all(clients.map((client) => client.waitForType("GUILD_CREATE")));
  const gatedData = Buffer.from('{"content":""}');
  const half = { halfGatedData: Buffer.from('{"content":"half"}'), halfGatedUsers: [10n, 14n] };
  fleet.router.emit(fleet.guild, [message("secret", openChannel, { gatedData, ungatedUsers: [12n, 999n], ...half })]);
  await Promise.all(clients.map((client) => client.waitForType("MESSAGE_CREATE")));
  expect(clients.map(contents)).toEqual([["secret"], [""], ["secret"], ["secret"], ["half"]]);
});

test("messages reach only those who see the channel, also after roles and overwrites change", async () => {
  await using fleet = await startPopulated();
  const staff = await fleet.connect().identify(fleet.addBot(10n, [staffRole]), { intents: commonIntents });
  const guest = await fleet.connect().identify(fleet.addBot(11n), { intents: commonIntents });
  await Promise.all([staff, guest].map((client) => client.waitForType("GUILD_CREATE")));
  const { router, guild } = fleet;
  const channelJson = { id: String(staffChannel) };
  router.emit(guild, [message("1", staffChannel)]);
  // A role is granted: the causing event, then the channel gained by it.
  router.emit(
    guild,
    [
      makeDispatch("GUILD_MEMBER_UPDATE", {}, { intentExemptUsers: [11n] }),
      makeDispatch("CHANNEL_CREATE", channelJson, { of: gained(staffChannel) }),
    ],
    [{ $case: "memberRoles", value: { userId: 11n, roleIds: [staffRole] } }],
  );
  router.emit(guild, [message("2", staffChannel)]);
  // The role's overwrite goes: staff lose the channel.
  const closed = { ...staffOnly(), overwrites: staffOnly().overwrites.slice(0, 1) };
  router.emit(
    guild,
    [
      makeDispatch("CHANNEL_UPDATE", channelJson, { of: viewers(staffChannel) }),
      makeDispatch("CHANNEL_DELETE", channelJson, { of: lost(staffChannel) }),
    ],
    [{ $case: "channelPut", value: closed }],
  );
  router.emit(guild, [message("3", staffChannel)]);
  // Everybody may see it.
  router.emit(
    guild,
    [
      makeDispatch("CHANNEL_UPDATE", channelJson, { of: viewers(staffChannel) }),
      makeDispatch("CHANNEL_CREATE", channelJson, { of: gained(staffChannel) }),
    ],
    [{ $case: "channelPut", value: { ...staffOnly(), overwrites: [] } }],
  );
  router.emit(guild, [message("4", staffChannel), last]);
  await Promise.all([staff, guest].map((client) => client.waitForType("GUILD_UPDATE")));
  expect(contents(staff)).toEqual(["1", "2", "4"]);
  expect(contents(guest)).toEqual(["2", "4"]);
  expect(guest.types).toEqual([
    "READY",
    "GUILD_CREATE",
    "GUILD_MEMBER_UPDATE",
    "CHANNEL_CREATE",
    "MESSAGE_CREATE",
    "CHANNEL_DELETE",
    "CHANNEL_UPDATE",
    "CHANNEL_CREATE",
    "MESSAGE_CREATE",
    "GUILD_UPDATE",
  ]);
});

test("an audience may be users, or those with a permission in the guild or a channel", async () => {
  await using fleet = await startPopulated();
  const moderator = 91n;
  const { router, guild } = fleet;
  guild.emit([], [{ $case: "rolePut", value: { id: moderator, permissions: Permission.BAN_MEMBERS } }]);
  const plain = await fleet.connect().identify(fleet.addBot(10n), { intents: 1 });
  const able = await fleet.connect().identify(fleet.addBot(11n, [moderator]), { intents: 1 });
  await Promise.all([plain, able].map((client) => client.waitForType("GUILD_CREATE")));
  const to = (name: string, of: AudienceOf) => makeDispatch("GUILD_UPDATE", { name }, { of });
  router.emit(guild, [
    to("users", { $case: "users", value: { ids: [10n] } }),
    to("guild", { $case: "guildPermission", value: Permission.BAN_MEMBERS }),
    to("channel", { $case: "channel", value: { channelId: openChannel, permission: Permission.BAN_MEMBERS } }),
    to("hidden", { $case: "channel", value: { channelId: staffChannel, permission: 0n } }),
    to("all", { $case: "everyone", value: {} }),
  ]);
  const names = (client: TestClient) => client.ofType("GUILD_UPDATE").map(({ d }) => (d as { name: string }).name);
  await waitFor(() => [plain, able].every((client) => names(client).includes("all")));
  expect(names(plain)).toEqual(["users", "all"]);
  expect(names(able)).toEqual(["guild", "channel", "all"]);
});

test("a deleted guild leaves with its event", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: 1 });
  await client.waitForType("GUILD_CREATE");
  const deleted = makeDispatch("GUILD_DELETE", { id: String(guildId) });
  fleet.router.emit(fleet.guild, [deleted], [{ $case: "guildGone", value: {} }]);
  await client.waitForType("GUILD_DELETE");
  await waitFor(() => !fleet.router.isFollowed(guildId));
  expect(client.closed).toBeUndefined();
});

test.each([
  ["plain text", "?v=10&encoding=json", false],
  ["a shared zlib stream", "?v=10&compress=zlib-stream", true],
  ["a zstd context", "?v=10&compress=zstd-stream", true],
])("%s carries the same payloads", async (_name, query, isBinary) => {
  await using fleet = await startPopulated();
  const plain = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  const client = await fleet.connect({ query }).identify(fleet.addBot(11n), { intents: commonIntents });
  await Promise.all([plain, client].map((each) => each.waitForType("GUILD_CREATE")));
  for (let sent = 0; sent < 200; sent++) fleet.router.emit(fleet.guild, [message(`${sent} ${"äö".repeat(sent * 20)}`)]);
  client.send(1, client.lastS);
  await waitFor(() => contents(client).length === 200 && contents(plain).length === 200);
  expect(client.dispatches.slice(2)).toEqual(plain.dispatches.slice(2));
  expect(new Set(client.frames.map((frame) => frame.isBinary))).toEqual(new Set([isBinary]));
});

test("beyond the limit zstd connections share raw blocks", async () => {
  await using fleet = await startPopulated({ zstdContexts: 1 });
  const connect = (id: bigint) =>
    fleet.connect({ query: "?compress=zstd-stream" }).identify(fleet.addBot(id), { intents: commonIntents });
  const clients = await Promise.all([10n, 11n, 12n].map(connect));
  await Promise.all(clients.map((each) => each.waitForType("GUILD_CREATE")));
  const body = "x".repeat(1_000);
  fleet.router.emit(fleet.guild, [message(body)]);
  await waitFor(() => clients.every((client) => contents(client).length === 1));
  const sizes = clients.map(({ frames }) => frames.at(-1)?.bytes.length ?? 0).sort((a, b) => a - b);
  expect(sizes[0]).toBeLessThan(500);
  expect(sizes[1]).toBeGreaterThan(1_000);
});

test("an event is encoded and compressed once for a hundred listeners", async () => {
  await using fleet = await startPopulated();
  const ids = Array.from({ length: 100 }, (_, place) => BigInt(place + 100));
  const clients = await Promise.all(
    ids.map((id) =>
      fleet.connect({ query: "?compress=zlib-stream" }).identify(fleet.addBot(id), { intents: commonIntents }),
    ),
  );
  await Promise.all(clients.map((client) => client.waitForType("GUILD_CREATE")));
  const before = await fleet.metric("guildhall_gateway_deflate_calls_total");
  for (let sent = 0; sent < 5; sent++) fleet.router.emit(fleet.guild, [message(`message ${sent}`)]);
  await waitFor(() => clients.every((client) => contents(client).length === 5));
  expect((await fleet.metric("guildhall_gateway_deflate_calls_total")) - before).toBe(5);
  expect(await fleet.metric("guildhall_gateway_events_total")).toBe(5);
});

test("typing goes to those who see the channel, and is counted", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.addBot(10n), { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.router.emitEphemeral(fleet.guild, makeDispatch("TYPING_START", {}, { of: viewers(staffChannel) }));
  fleet.router.emitEphemeral(fleet.guild, makeDispatch("TYPING_START", { user_id: "1" }, { of: viewers(openChannel) }));
  fleet.router.emit(fleet.guild, [message("hi")]);
  await client.waitForType("MESSAGE_CREATE");
  expect(client.dispatches.map(({ s, t }) => [s, t])).toEqual([
    [1, "READY"],
    [2, "GUILD_CREATE"],
    [3, "TYPING_START"],
    [4, "MESSAGE_CREATE"],
  ]);
});

test("a client that does not read loses its connection, disturbs nobody, and resumes", async () => {
  await using fleet = await startPopulated({}, { maxQueuedBytes: 200_000 });
  const token = fleet.addBot(10n);
  const slow = await fleet.connect().identify(token, { intents: commonIntents });
  const brisk = await fleet.connect().identify(fleet.addBot(11n), { intents: commonIntents });
  await Promise.all([slow, brisk].map((client) => client.waitForType("GUILD_CREATE")));
  const { sessionId, lastS } = slow;
  slow.socket.pause();
  const sent = 400;
  for (let place = 0; place < sent; place++) {
    fleet.router.emit(fleet.guild, [message(`${place} ${"x".repeat(30_000)}`)]);
    if (place % 20 === 0) await waitFor(() => contents(brisk).length > place);
  }
  await waitFor(() => contents(brisk).length === sent);
  await waitFor(async () => (await fleet.metric("guildhall_gateway_slow_readers_total")) === 1);
  slow.terminate();
  const resumed = await fleet.connect().resume(token, sessionId, lastS);
  expect(contents(resumed)).toEqual(contents(brisk));
});

test("the owner sees everything", async () => {
  await using fleet = await startPopulated();
  const token = fleet.users.add(ownerId, { guilds: [guildId] });
  const client = await fleet.connect().identify(token);
  fleet.router.emit(fleet.guild, [message("hi", staffChannel)]);
  await client.waitForType("MESSAGE_CREATE");
});
