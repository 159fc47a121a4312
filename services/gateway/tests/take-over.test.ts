import { expect, test } from "@jest/globals";
import type { CoreClient, CoreGateway } from "./support/core-gateway.ts";
import { CoreWorld } from "./support/core-world.ts";
import { commonIntents, guildId, openChannel, staffChannel, staffOnly, staffRole } from "./support/populated.ts";
import { type AudienceOf, makeDispatch, viewers } from "./support/test-guild.ts";

const userId = 7n;
const otherId = 9n;
const otherGuildId = 6n << 22n;
const message = (content: string, channelId = openChannel) =>
  makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(channelId) });
const gained: AudienceOf = { $case: "gainedChannel", value: staffChannel };
const lost: AudienceOf = { $case: "lostChannel", value: staffChannel };
const contents = ({ dispatches }: CoreClient) =>
  dispatches.filter(({ t }) => t === "MESSAGE_CREATE").map(({ d }) => (d as { content: string }).content);
const types = ({ dispatches }: CoreClient) => dispatches.map(({ t }) => t);

/** Two users in a guild with an open channel and one for staff. */
function makeWorld(seed = 1): CoreWorld {
  const world = new CoreWorld(seed);
  const guild = world.addGuild(guildId);
  guild.emit([], [{ $case: "rolePut", value: { id: staffRole, permissions: 0n } }]);
  guild.emit([], [{ $case: "channelPut", value: { id: openChannel, type: 0, parentId: 0n, overwrites: [] } }]);
  guild.emit([], [{ $case: "channelPut", value: staffOnly() }]);
  for (const id of [userId, otherId]) world.addUser(id, [guildId]);
  return world;
}

/** `s` counts by one over all that a client was sent on these connections. */
function expectContiguous(...clients: readonly CoreClient[]): void {
  const all = clients.flatMap(({ dispatches }) => dispatches.map(({ s }) => s));
  expect(all).toEqual(all.map((_, place) => place + 1));
}

test("a session goes on at another gateway when its own is killed, whoever is there", async () => {
  for (const isFollowedThere of [false, true]) {
    const world = makeWorld();
    const [first, second] = [world.addGateway(), world.addGateway()];
    if (isFollowedThere) await world.identify(second, otherId, commonIntents);
    const client = await world.identify(first, userId, commonIntents);
    world.emit(guildId, [message("1")]);
    await world.until(() => contents(client).length === 1);
    world.kill(first);
    for (const content of ["2", "3"]) world.emit(guildId, [message(content)]);
    await world.pass(300);
    const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
    world.emit(guildId, [message("4")]);
    await world.until(() => contents(resumed).length === 3);
    expect(contents(resumed)).toEqual(["2", "3", "4"]);
    expectContiguous(client, resumed);
  }
});

test("what was sent and did not arrive is sent again, with the same numbers", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  for (const content of ["1", "2", "3"]) world.emit(guildId, [message(content)]);
  await world.until(() => contents(client).length === 3);
  world.kill(first);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS - 2);
  expect(resumed.dispatches.slice(0, 2)).toEqual(client.dispatches.slice(-2));
  expect(types(resumed)).toEqual(["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]);
});

test("a living gateway lets go of a session that resumes elsewhere, and cuts off who still has it", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  world.emit(guildId, [message("1")]);
  await world.until(() => contents(client).length === 1);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  expect(client.closedWith).toBe(4000);
  world.emit(guildId, [message("2")]);
  await world.until(() => contents(resumed).length === 1);
  expectContiguous(client, resumed);
  const back = await world.resume(first, userId, client.sessionId, resumed.lastS);
  world.emit(guildId, [message("3")]);
  await world.until(() => contents(back).length === 1);
  expectContiguous(client, resumed, back);
});

test("many takeovers in a row, each by a gateway that then dies, lose nothing", async () => {
  const world = makeWorld();
  let gateway = world.addGateway();
  let client = await world.identify(gateway, userId, commonIntents);
  const [clients, id] = [[client], client.sessionId];
  for (let round = 0; round < 6; round++) {
    world.emit(guildId, [message(`${round} before`)]);
    await world.pass(round * 3);
    world.kill(gateway);
    world.emit(guildId, [message(`${round} between`)]);
    gateway = world.addGateway();
    if (round % 2 === 0) await world.identify(gateway, otherId, commonIntents);
    client = await world.resume(gateway, userId, id, client.dispatches.length === 0 ? 0 : client.lastS);
    clients.push(client);
  }
  await world.pass(3_000);
  expect(clients.flatMap(contents)).toEqual(
    Array.from({ length: 6 }, (_, round) => [`${round} before`, `${round} between`]).flat(),
  );
  expectContiguous(...clients);
});

test("a gateway that claimed and died leaves the session to the log before it, whatever its clock said", async () => {
  const world = makeWorld();
  const [first, second, third] = [world.addGateway(), world.addGateway({ aheadMs: 60_000 }), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  // The second one has a log, and nothing of this session in it.
  await world.identify(second, otherId, commonIntents);
  world.kill(first);
  const { sessionId } = client;
  const other = (await world.store.logs()).find(({ tag }) => !sessionId.startsWith(tag));
  expect(await world.store.claim({ sessionId, generation: 1, holder: other?.tag ?? "" })).toBe(true);
  world.kill(second);
  const resumed = await world.resume(third, userId, sessionId, client.lastS);
  expect(types(resumed)).toEqual(["RESUMED"]);
});

test("what was visible before access was lost comes, and nothing after it; gained channels come with their event", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  await world.identify(second, otherId, commonIntents);
  const client = await world.identify(first, userId, commonIntents);
  world.kill(first);
  const grant = (roleIds: bigint[], of: AudienceOf, type: string) =>
    world.emit(
      guildId,
      [makeDispatch("GUILD_MEMBER_UPDATE", {}, { intentExemptUsers: [userId] }), makeDispatch(type, {}, { of })],
      [{ $case: "memberRoles", value: { userId, roleIds } }],
    );
  world.emit(guildId, [message("not yet", staffChannel)]);
  grant([staffRole], gained, "CHANNEL_CREATE");
  world.emit(guildId, [message("staff", staffChannel)]);
  grant([], lost, "CHANNEL_DELETE");
  world.emit(guildId, [message("no more", staffChannel)]);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  world.emit(guildId, [message("end")]);
  await world.until(() => contents(resumed).includes("end"));
  expect(contents(resumed)).toEqual(["staff", "end"]);
  expect(types(resumed)).toEqual([
    ...["RESUMED", "GUILD_MEMBER_UPDATE", "CHANNEL_CREATE", "MESSAGE_CREATE"],
    ...["GUILD_MEMBER_UPDATE", "CHANNEL_DELETE", "MESSAGE_CREATE"],
  ]);
  expectContiguous(client, resumed);
});

test("kicked and back while its gateway was gone: GUILD_DELETE, then the guild anew", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  await world.identify(second, otherId, commonIntents);
  const client = await world.identify(first, userId, commonIntents);
  world.kill(first);
  world.emit(guildId, [message("before")]);
  const gone = makeDispatch(
    "GUILD_DELETE",
    { id: String(guildId) },
    { of: { $case: "users", value: { ids: [userId] } } },
  );
  world.emit(guildId, [gone], [{ $case: "memberGone", value: userId }]);
  world.emitUser(userId, [{ $case: "guildLeft", value: guildId }]);
  world.emit(guildId, [message("meanwhile")]);
  world.joined(userId, guildId);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  await world.until(() => types(resumed).includes("GUILD_CREATE"));
  world.emit(guildId, [message("after")]);
  await world.until(() => contents(resumed).includes("after"));
  expect(types(resumed)).toEqual(["RESUMED", "MESSAGE_CREATE", "GUILD_DELETE", "GUILD_CREATE", "MESSAGE_CREATE"]);
  expect(contents(resumed)).toEqual(["before", "after"]);
  expectContiguous(client, resumed);
});

test("a guild that was joined while the gateway was gone comes by its user topic", async () => {
  const world = makeWorld();
  world.addGuild(otherGuildId);
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  world.kill(first);
  world.joined(userId, otherGuildId);
  world.emitUser(userId, [], [makeDispatch("USER_UPDATE", { id: String(userId) })]);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  await world.until(() => types(resumed).includes("GUILD_CREATE"));
  expect(types(resumed)).toEqual(["RESUMED", "USER_UPDATE", "GUILD_CREATE"]);
  expectContiguous(client, resumed);
});

test("a join that had not come off is begun again", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const away = 8n << 22n;
  world.addUser(userId, [guildId, away]);
  const client = await world.identify(first, userId, commonIntents);
  expect(types(client)).toContain("GUILD_DELETE");
  world.kill(first);
  world.addGuild(away).members.set(userId, []);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  await world.until(() => types(resumed).includes("GUILD_CREATE"));
  expectContiguous(client, resumed);
});

test("a session is refused to who has another token, and its holder does not notice", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  const thief = await world.resume(second, otherId, client.sessionId, client.lastS);
  expect(thief.isRefused).toBe(true);
  world.emit(guildId, [message("1")]);
  await world.until(() => contents(client).length === 1);
  expect(client.closedWith).toBeUndefined();
});

test("unknown, ended, expired and unbegun sessions are refused at another gateway", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const isRefused = async (id: string, seq: number) => (await world.resume(second, userId, id, seq)).isRefused;
  const client = await world.identify(first, userId, commonIntents);
  const id = client.sessionId;
  expect(await isRefused("../../../etc/passwd", 3)).toBe(true);
  expect(await isRefused("0".repeat(32), 3)).toBe(true);
  expect(await isRefused(`${id.slice(0, 39)}g`, 3)).toBe(true);
  expect(await isRefused(id.slice(0, 8) + "0".repeat(32), 3)).toBe(true);
  const over = await world.identify(first, userId, commonIntents);
  first.core.closed(over.connection, 1000);
  await world.pass(10);
  expect(await isRefused(over.sessionId, over.lastS)).toBe(true);
  const beginning = world.connect(first);
  beginning.send(2, { token: `Bot token-${userId}`, intents: commonIntents, properties: {} });
  await world.until(() => beginning.dispatches.length > 0);
  world.kill(first);
  expect(await isRefused(beginning.sessionId, 1)).toBe(true);
  await world.pass(125_000);
  expect(await isRefused(id, client.lastS)).toBe(true);
});

test("of two gateways that want a session at once, one has it in the end, and the client there misses nothing", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = makeWorld(seed);
    const [first, second, third] = [world.addGateway(), world.addGateway(), world.addGateway()];
    const client = await world.identify(first, userId, commonIntents);
    if (seed % 2 === 0) world.kill(first);
    world.emit(guildId, [message("1")]);
    const ask = (gateway: CoreGateway) => {
      const asking = world.connect(gateway);
      asking.send(6, { token: `token-${userId}`, session_id: client.sessionId, seq: 2 });
      return asking;
    };
    const both = [ask(second), ask(third)];
    await world.pass(5_000);
    world.emit(guildId, [message("2")]);
    await world.pass(1_000);
    const holders = world.gateways.filter(
      ({ core, isAlive }) => isAlive && core.context.sessions.get(client.sessionId),
    );
    expect(holders).toHaveLength(1);
    const [winner] = both.filter((each) => each.core === holders[0]?.core);
    expect(winner && contents(winner)).toEqual(["1", "2"]);
    // The RESUMED that the other one was sent is among what this one missed, if that had it first.
    expect(winner?.dispatches.map(({ s }) => s)).toEqual(winner?.dispatches.map((_, place) => place + 3));
  }
});

test("a gateway that was cut off lets go of what others have claimed, before it resumes it and by itself", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  const other = await world.identify(first, otherId, commonIntents);
  first.isCutOff = true;
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS);
  expect(types(resumed)).toEqual(["RESUMED"]);
  await world.until(() => client.closedWith === 4000);
  other.drop();
  const elsewhere = await world.resume(second, otherId, other.sessionId, other.lastS);
  const back = await world.resume(first, otherId, other.sessionId, elsewhere.lastS);
  expect(types(back)).toEqual(["RESUMED"]);
  expectContiguous(other, elsewhere, back);
});

test("when the log cannot be written sessions go on, but not elsewhere; what comes after the hole can be resumed", async () => {
  const world = makeWorld();
  const [first, second] = [world.addGateway(), world.addGateway()];
  const client = await world.identify(first, userId, commonIntents);
  world.store.isFull = true;
  world.emit(guildId, [message("1")]);
  await world.until(() => contents(client).length === 1);
  expect(first.core.context.recording.isWriting).toBe(false);
  const before = client.lastS;
  world.store.isFull = false;
  await world.until(() => first.core.context.recording.isWriting);
  await world.pass(12_000);
  world.emit(guildId, [message("2")]);
  await world.until(() => contents(client).length === 2);
  world.kill(first);
  const resumed = await world.resume(second, userId, client.sessionId, client.lastS - 1);
  expect(contents(resumed)).toEqual(["2"]);
  expect(resumed.dispatches[0]).toEqual(client.dispatches.at(-1));
  world.kill(second);
  const third = world.addGateway();
  expect((await world.resume(third, userId, client.sessionId, before - 1)).isRefused).toBe(true);
});
