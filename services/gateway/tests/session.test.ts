import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { commonIntents, guildId, openChannel, startPopulated } from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const message = (content: string) => makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(openChannel) });
const contents = (client: TestClient) =>
  client.ofType("MESSAGE_CREATE").map(({ d }) => (d as { content: string }).content);

test("a bot gets READY with all that libraries read, then its guilds, then events", async () => {
  await using fleet = await startPopulated({ gatewayUrl: "ws://own.example:1234" });
  const token = fleet.addBot(7n);
  const client = await fleet.connect().identify(`Bot ${token}`, { intents: commonIntents, shard: [0, 1] });
  await client.waitForType("GUILD_CREATE");
  fleet.router.emit(fleet.guild, [message("hi")]);
  await client.waitForType("MESSAGE_CREATE");
  expect(client.payloads[0]).toMatchObject({ op: 10, d: { heartbeat_interval: 41_250 }, s: null, t: null });
  expect(client.dispatches.map(({ s }) => s)).toEqual([1, 2, 3]);
  expect(client.ofType("READY")[0]?.d).toMatchObject({
    v: 10,
    user: { id: "7", username: "user-7", discriminator: "0", bot: true, mfa_enabled: false, avatar: null },
    private_channels: [],
    guilds: [{ id: String(guildId), unavailable: true }],
    session_id: expect.stringMatching(/^[0-9a-f]{40}$/),
    resume_gateway_url: "ws://own.example:1234",
    application: { id: "7", flags: expect.any(Number) },
    shard: [0, 1],
    relationships: [],
    presences: [],
    user_settings: {},
    session_type: "normal",
    _trace: [expect.any(String)],
  });
  expect(client.ofType("GUILD_CREATE")[0]?.d).toMatchObject({
    id: String(guildId),
    unavailable: false,
    joined_at: expect.any(String),
    channels: [String(openChannel)],
    members: [{ user: { id: "7" } }],
  });
});

test("a person gets its guilds whole in READY, and every event without intents", async () => {
  await using fleet = await startPopulated();
  fleet.guild.members.set(8n, []);
  const token = fleet.users.add(8n, { guilds: [guildId] });
  const client = await fleet.connect().identify(token);
  expect(client.ofType("READY")[0]?.d).toMatchObject({
    user: { id: "8", bot: false, email: "8@example.org" },
    guilds: [
      { id: String(guildId), unavailable: false, channels: [String(openChannel)], members: [{ user: { id: "8" } }] },
    ],
  });
  fleet.router.emit(fleet.guild, [message("hi")]);
  await client.waitForType("MESSAGE_CREATE");
  expect(client.types).toEqual(["READY", "MESSAGE_CREATE"]);
  expect(client.lastS).toBe(2);
});

test("resumes after a lost connection without a gap, again and again", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  const twin = await fleet.connect().identify(fleet.addBot(9n), { intents: commonIntents });
  let client = await fleet.connect().identify(token, { intents: commonIntents });
  await Promise.all([twin, client].map((each) => each.waitForType("GUILD_CREATE")));
  const { sessionId } = client;
  const got: string[] = [];
  let seq = client.lastS;
  for (let round = 0; round < 4; round++) {
    fleet.router.emit(fleet.guild, [message(`${round} live`)]);
    await waitFor(() => contents(client).includes(`${round} live`));
    got.push(...contents(client));
    seq = client.lastS;
    client.terminate();
    fleet.router.emit(fleet.guild, [message(`${round} missed`)]);
    await waitFor(() => contents(twin).includes(`${round} missed`));
    client = await fleet.connect().resume(token, sessionId, seq);
    expect(client.types.at(-1)).toBe("RESUMED");
    expect(client.dispatches.map(({ s }) => s)).toEqual(client.dispatches.map((_, place) => seq + 1 + place));
    expect(client.ofType("RESUMED")[0]?.d).toEqual({ _trace: [] });
  }
  got.push(...contents(client));
  expect(got).toEqual(contents(twin));
});

test("a resume takes the session from its old socket", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  const first = await fleet.connect().identify(token, { intents: commonIntents });
  await first.waitForType("GUILD_CREATE");
  const second = await fleet.connect().resume(`Bot ${token}`, first.sessionId, first.lastS);
  expect(await first.waitForClose()).toBe(4000);
  fleet.router.emit(fleet.guild, [message("hi")]);
  await second.waitForType("MESSAGE_CREATE");
  expect(contents(first)).toEqual([]);
});

test("a session that cannot be resumed gets op 9 false on an open socket, and may begin anew", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  const other = fleet.addBot(9n);
  const client = await fleet.connect().identify(token, { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  const { sessionId, lastS } = client;
  for (const [who, id, seq] of [
    [token, "unknown", lastS],
    [other, sessionId, lastS],
    [token, sessionId, 1],
  ] as const) {
    const refused = await fleet.connect().resume(who, id, seq);
    expect(refused.payloads.at(-1)).toEqual({ op: 9, d: false, s: null, t: null });
    refused.send(2, { token: who, intents: commonIntents });
    await refused.waitForType("READY");
  }
});

test("a client that closes with 1000 or 1001 ends its session, with 4000 it does not", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  const attempt = async (code: number) => {
    const client = await fleet.connect().identify(token, { intents: commonIntents });
    await client.waitForType("GUILD_CREATE");
    client.close(code);
    await client.waitForClose();
    const resumed = await fleet.connect().resume(token, client.sessionId, client.lastS);
    return resumed.types.at(-1) ?? `op ${resumed.payloads.at(-1)?.op}`;
  };
  expect(await attempt(1000)).toBe("op 9");
  expect(await attempt(1001)).toBe("op 9");
  expect(await attempt(4000)).toBe("RESUMED");
});

test("a session ends when its window is over", async () => {
  await using fleet = await startPopulated({ resumeWindowMs: 1 });
  const token = fleet.addBot(7n);
  const client = await fleet.connect().identify(token, { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  client.terminate();
  await waitFor(async () => (await fleet.metric("guildhall_gateway_sessions")) === 0);
  const resumed = await fleet.connect().resume(token, client.sessionId, client.lastS);
  expect(resumed.payloads.at(-1)).toMatchObject({ op: 9, d: false });
});

test("heartbeats are answered from the first moment on", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().opened();
  client.send(1, null);
  await waitFor(() => client.payloads.some(({ op }) => op === 11));
  client.send(40, { seq: 3, qos: {} });
  await waitFor(() => client.payloads.filter(({ op }) => op === 11).length === 2);
});

test("a user that joins a guild gets GUILD_CREATE, one that is kicked GUILD_DELETE and nothing more", async () => {
  await using fleet = await startPopulated();
  const token = fleet.users.add(8n);
  const client = await fleet.connect().identify(token);
  expect(client.ofType("READY")[0]?.d).toMatchObject({ guilds: [] });
  fleet.router.emit(
    fleet.guild,
    [makeDispatch("GUILD_MEMBER_ADD", {})],
    [{ $case: "memberRoles", value: { userId: 8n, roleIds: [] } }],
  );
  fleet.users.joined(8n, guildId);
  await client.waitForType("GUILD_CREATE");
  fleet.router.emit(fleet.guild, [message("seen")]);
  const gone = makeDispatch("GUILD_DELETE", { id: String(guildId) }, { of: { $case: "users", value: { ids: [8n] } } });
  fleet.router.emit(fleet.guild, [gone], [{ $case: "memberGone", value: 8n }]);
  fleet.users.left(8n, guildId);
  await client.waitForType("GUILD_DELETE");
  fleet.router.emit(fleet.guild, [message("not seen")]);
  fleet.router.emit(
    fleet.guild,
    [makeDispatch("GUILD_MEMBER_ADD", {})],
    [{ $case: "memberRoles", value: { userId: 8n, roleIds: [] } }],
  );
  fleet.users.joined(8n, guildId);
  await client.waitForType("GUILD_CREATE", 2);
  expect(client.types).toEqual(["READY", "GUILD_CREATE", "MESSAGE_CREATE", "GUILD_DELETE", "GUILD_CREATE"]);
});

test("a user that comes back to a guild by a snapshot from before is not told that it left", async () => {
  await using fleet = await startPopulated();
  const client = await fleet.connect().identify(fleet.users.add(8n));
  const join = () => {
    const change = { $case: "memberRoles" as const, value: { userId: 8n, roleIds: [] } };
    fleet.router.emit(fleet.guild, [makeDispatch("GUILD_MEMBER_ADD", { user: { id: "8" } })], [change]);
    fleet.users.joined(8n, guildId);
  };
  join();
  await client.waitForType("GUILD_CREATE");
  fleet.guild.snapshotSeq = fleet.guild.seq;
  const gone = makeDispatch("GUILD_DELETE", { id: String(guildId) }, { of: { $case: "users", value: { ids: [8n] } } });
  const told = makeDispatch("GUILD_MEMBER_REMOVE", { user: { id: "8" } });
  fleet.router.emit(fleet.guild, [gone, told], [{ $case: "memberGone", value: 8n }]);
  fleet.users.left(8n, guildId);
  await client.waitForType("GUILD_DELETE");
  join();
  await client.waitForType("GUILD_CREATE", 2);
  fleet.router.emit(fleet.guild, [message("hi")]);
  await client.waitForType("MESSAGE_CREATE");
  expect(client.types.filter((type) => !type?.startsWith("GUILD_MEMBER"))).toEqual([
    ...["READY", "GUILD_CREATE", "GUILD_DELETE", "GUILD_CREATE", "MESSAGE_CREATE"],
  ]);
});

test("a guild whose host is away is told of as unavailable, and comes when it is back", async () => {
  await using fleet = await startPopulated();
  const away = 6n << 22n;
  const token = fleet.users.add(7n, { bot: true, guilds: [away] });
  const client = await fleet.connect().identify(token, { intents: 1 });
  expect((await client.waitForType("GUILD_DELETE")).d).toEqual({ id: String(away), unavailable: true });
  fleet.router.addGuild(away, 7n);
  expect((await client.waitForType("GUILD_CREATE")).d).toMatchObject({ id: String(away), unavailable: false });
});

test("a revoked token closes its sessions with 4004 and cannot resume", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  const client = await fleet.connect().identify(token, { intents: commonIntents });
  await client.waitForType("GUILD_CREATE");
  fleet.users.revoke(7n);
  expect(await client.waitForClose()).toBe(4004);
  const resumed = await fleet.connect().resume(token, client.sessionId, client.lastS);
  expect(resumed.payloads.at(-1)).toMatchObject({ op: 9 });
});

test("draining sends RECONNECT to all and refuses new connections", async () => {
  await using fleet = await startPopulated({}, { drainSpreadMs: 50 });
  const clients = await Promise.all(
    [7n, 9n, 11n].map((id) => fleet.connect().identify(fleet.addBot(id), { intents: commonIntents })),
  );
  for (const client of clients) {
    client.socket.on("message", (data: Buffer) => {
      if (data.toString().startsWith('{"op":7')) client.close(4200);
    });
  }
  await fleet.gateway.drain();
  for (const client of clients) {
    expect(client.payloads.at(-1)).toMatchObject({ op: 7, d: null });
    expect(await client.waitForClose()).toBe(4200);
  }
  const late = fleet.connect();
  await waitFor(() => late.closed);
});

test("each session of a shard gets the guilds of that shard only", async () => {
  await using fleet = await startPopulated();
  const ids = [1n, 2n, 3n, 4n].map((number) => number << 22n);
  for (const id of ids) fleet.router.addGuild(id, 7n);
  const token = fleet.users.add(7n, { bot: true, guilds: ids });
  const clients = await Promise.all(
    [0, 1].map((shard) => fleet.connect().identify(token, { intents: 1, shard: [shard, 2] })),
  );
  await Promise.all(clients.map((client) => client.waitForType("GUILD_CREATE", 2)));
  const guildsOf = (client: TestClient) =>
    client
      .ofType("GUILD_CREATE")
      .map(({ d }) => (d as { id: string }).id)
      .sort();
  expect(clients.map(guildsOf)).toEqual([[ids[1], ids[3]].map(String).sort(), [ids[0], ids[2]].map(String).sort()]);
});

test("members are sent in chunks, by prefix, by id, and all", async () => {
  await using fleet = await startPopulated();
  const token = fleet.addBot(7n);
  for (let id = 2_000n; id < 3_500n; id++) fleet.guild.members.set(id, []);
  const client = await fleet.connect().identify(token, { intents: commonIntents | 2 });
  await client.waitForType("GUILD_CREATE");
  client.send(8, { guild_id: String(guildId), query: "", limit: 0, nonce: "all" });
  const second = await client.waitForType("GUILD_MEMBERS_CHUNK", 2);
  expect(second.d).toMatchObject({ chunk_index: 1, chunk_count: 2, nonce: "all", not_found: [] });
  const all = client.ofType("GUILD_MEMBERS_CHUNK").flatMap(({ d }) => (d as { members: object[] }).members);
  expect(all).toHaveLength(1_502);
  client.send(8, { guild_id: String(guildId), query: "USER-23", limit: 3 });
  expect(((await client.waitForType("GUILD_MEMBERS_CHUNK", 3)).d as { members: object[] }).members).toHaveLength(3);
  client.send(8, { guild_id: String(guildId), user_ids: ["2001", "999999"] });
  expect((await client.waitForType("GUILD_MEMBERS_CHUNK", 4)).d).toMatchObject({
    members: [{ user: { id: "2001" } }],
    not_found: ["999999"],
  });
});

test("a user that leaves a guild before its session is in it is told so", async () => {
  await using fleet = await startPopulated();
  const away = 6n << 22n;
  const client = await fleet.connect().identify(fleet.users.add(7n, { bot: true, guilds: [away] }), { intents: 1 });
  expect(client.ofType("READY")[0]?.d).toMatchObject({ guilds: [{ id: String(away) }] });
  fleet.users.left(7n, away);
  expect((await client.waitForType("GUILD_DELETE")).d).toEqual({ id: String(away) });
});
