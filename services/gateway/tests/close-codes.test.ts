import { closeCode } from "@guildhall/protocol";
import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import type { GatewayConfig } from "../src/index.ts";
import { commonIntents, guildId, startPopulated } from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";
import type { TestFleet } from "./support/test-fleet.ts";

interface Case {
  readonly name: string;
  readonly code: number;
  readonly query?: string;
  readonly config?: Partial<GatewayConfig>;
  readonly act: (client: TestClient, token: string, fleet: TestFleet) => Promise<unknown> | unknown;
}

const identified = async (client: TestClient, token: string) => {
  await client.identify(token, { intents: commonIntents });
  return client.waitForType("GUILD_CREATE");
};
const send = (op: number, d: unknown) => async (client: TestClient, token: string) => {
  await identified(client, token);
  client.send(op, d);
};
const text = (data: string | Buffer) => async (client: TestClient) => {
  await client.opened();
  client.sendText(data);
};
const identifyWith = (options: object) => (client: TestClient, token: string) =>
  client.identify(token, { intents: 1, ...options });

const cases: Case[] = [
  { name: "an unknown opcode", code: closeCode.UNKNOWN_OPCODE, act: send(99, null) },
  { name: "an unknown opcode before IDENTIFY", code: closeCode.UNKNOWN_OPCODE, act: text('{"op":99,"d":null}') },
  { name: "text that is no JSON", code: closeCode.DECODE_ERROR, act: text("hello") },
  { name: "JSON that is no object", code: closeCode.DECODE_ERROR, act: text("[1]") },
  { name: "an op that is no number", code: closeCode.DECODE_ERROR, act: text('{"op":"1"}') },
  { name: "binary garbage", code: closeCode.DECODE_ERROR, act: text(Buffer.from([0, 255, 254, 1])) },
  { name: "deep nesting", code: closeCode.DECODE_ERROR, act: text(`{"op":1,"d":${"[".repeat(60)}${"]".repeat(60)}}`) },
  {
    name: "a large payload of a bot",
    code: closeCode.DECODE_ERROR,
    act: send(3, { status: "online", pad: "x".repeat(5_000) }),
  },
  { name: "a payload that is too large for anybody", code: closeCode.DECODE_ERROR, act: text("x".repeat(100_000)) },
  {
    name: "text that is no UTF-8",
    code: closeCode.DECODE_ERROR,
    act: async (client) => {
      await client.opened();
      client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    },
  },
  { name: "a heartbeat of the wrong type", code: closeCode.DECODE_ERROR, act: text('{"op":1,"d":"x"}') },
  { name: "IDENTIFY without a token", code: closeCode.DECODE_ERROR, act: text('{"op":2,"d":{"intents":0}}') },
  { name: "RESUME without a session", code: closeCode.DECODE_ERROR, act: text('{"op":6,"d":{"token":"x"}}') },
  { name: "a presence without a status", code: closeCode.DECODE_ERROR, act: send(3, { afk: false }) },
  { name: "a voice state of the wrong type", code: closeCode.DECODE_ERROR, act: send(4, { guild_id: "x" }) },
  { name: "a member request without a guild", code: closeCode.DECODE_ERROR, act: send(8, { query: "", limit: 0 }) },
  { name: "an encoding that is not spoken", code: closeCode.DECODE_ERROR, query: "?v=10&encoding=etf", act: () => {} },
  {
    name: "a compression that is not spoken",
    code: closeCode.DECODE_ERROR,
    query: "?v=10&compress=lz4",
    act: () => {},
  },
  { name: "an opcode before IDENTIFY", code: closeCode.NOT_AUTHENTICATED, act: text('{"op":3,"d":{}}') },
  {
    name: "a wrong token",
    code: closeCode.AUTHENTICATION_FAILED,
    act: (client) => client.identify("wrong", { intents: 1 }),
  },
  { name: "a second IDENTIFY", code: closeCode.ALREADY_AUTHENTICATED, act: send(2, { token: "x", intents: 1 }) },
  {
    name: "a RESUME in a session",
    code: closeCode.ALREADY_AUTHENTICATED,
    act: send(6, { token: "x", session_id: "y", seq: 1 }),
  },
  {
    name: "a seq that was never sent",
    code: closeCode.INVALID_SEQ,
    act: async (client, token, fleet) => {
      const first = await fleet.connect().identify(token, { intents: 1 });
      await first.waitForType("GUILD_CREATE");
      await client.resume(token, first.sessionId, 1_000);
    },
  },
  {
    name: "too many events",
    code: closeCode.RATE_LIMITED,
    config: { rateLimits: "Standard" },
    act: async (client, token) => {
      await identified(client, token);
      for (let sent = 0; sent < 120; sent++)
        client.send(3, { status: "online", activities: [], afk: false, since: null });
    },
  },
  {
    name: "too many heartbeats",
    code: closeCode.RATE_LIMITED,
    config: { rateLimits: "Standard" },
    act: async (client) => {
      await client.opened();
      for (let sent = 0; sent < 131; sent++) client.send(1, null);
    },
  },
  { name: "a shard above the count", code: closeCode.INVALID_SHARD, act: identifyWith({ shard: [2, 2] }) },
  { name: "a shard of the wrong form", code: closeCode.INVALID_SHARD, act: identifyWith({ shard: "0,1" }) },
  { name: "a shard of none", code: closeCode.INVALID_SHARD, act: identifyWith({ shard: [0, 0] }) },
  { name: "an old version", code: closeCode.INVALID_API_VERSION, query: "?v=6", act: () => {} },
  { name: "an unknown intent", code: closeCode.INVALID_INTENTS, act: identifyWith({ intents: 1 << 30 }) },
  { name: "an intent beyond 32 bits", code: closeCode.INVALID_INTENTS, act: identifyWith({ intents: 2 ** 40 }) },
  { name: "no intents", code: closeCode.INVALID_INTENTS, act: identifyWith({ intents: undefined }) },
  {
    name: "an intent that was not granted",
    code: closeCode.DISALLOWED_INTENTS,
    act: (client, _token, fleet) =>
      client.identify(fleet.users.add(77n, { bot: true, flags: 1n << 14n }), { intents: 2 | 256 }),
  },
  {
    name: "more guilds than a shard may have",
    code: closeCode.SHARDING_REQUIRED,
    act: (client, _token, fleet) => {
      const guilds = Array.from({ length: 2_501 }, (_, place) => BigInt(place + 1) << 22n);
      return client.identify(fleet.users.add(78n, { bot: true, guilds }), { intents: 1 });
    },
  },
  { name: "no heartbeat", code: closeCode.UNKNOWN_ERROR, config: { heartbeatIntervalMs: 300 }, act: identified },
];

test.each(cases)("$name closes with $code", async ({ code, query, config, act }) => {
  await using fleet = await startPopulated(config);
  const token = fleet.addBot(7n);
  const client = fleet.connect(query === undefined ? {} : { query });
  await act(client, token, fleet);
  expect(await client.waitForClose()).toBe(code);
  expect(client.closed?.reason).not.toBe("");
});

test("what libraries send is taken: legacy keys, any compress, integer ids, offline without activities", async () => {
  await using fleet = await startPopulated({ rateLimits: "Standard" });
  const token = fleet.addBot(7n);
  const client = await fleet.connect({ query: "?v=9" }).opened();
  client.send(1, null);
  const presence = { status: "offline", activities: null, afk: false, since: 0 };
  const legacy = { $os: "linux", $browser: "eris", $device: "eris" };
  client.send(2, { token: `Bot ${token}`, v: 10, compress: "zlib-stream", intents: 1, properties: legacy, presence });
  await client.waitForType("GUILD_CREATE");
  client.send(3, presence);
  client.sendText(
    `{"op":4,"d":{"guild_id":${guildId},"channel_id":1234567890123456789,"self_mute":false,"self_deaf":false}}`,
  );
  client.sendText(Buffer.from('{"op":14,"d":{}}'));
  client.send(1, client.lastS);
  await waitFor(() => client.payloads.filter(({ op }) => op === 11).length === 2);
  expect(client.closed).toBeUndefined();
});

test("a second IDENTIFY of a bot within five seconds gets op 9 late, and the next one is taken", async () => {
  await using fleet = await startPopulated({ rateLimits: "Standard" });
  const token = fleet.addBot(7n);
  await (await fleet.connect().identify(token, { intents: 1 })).waitForType("GUILD_CREATE");
  const client = await fleet.connect().identify(token, { intents: 1 });
  expect(client.payloads.at(-1)).toMatchObject({ op: 9, d: false });
  client.send(2, { token, intents: 1 });
  await client.waitForType("READY");
});

test("paths and queries as clients build them are taken, others are not", async () => {
  await using fleet = await startPopulated();
  for (const query of ["", "/", "//", "/?v=10", "//?v=10&encoding=json", "?encoding=json"]) {
    await fleet.connect({ query }).opened();
  }
  const refused = fleet.connect({ query: "/voice?v=8" });
  await waitFor(() => refused.closed);
  expect(refused.payloads).toEqual([]);
  const plain = await fetch(fleet.url.replace("ws", "http"));
  expect(plain.status).toBe(426);
});
