import type { ServerWritableStream } from "@grpc/grpc-js";
import { systemClock, systemTimers } from "@guildhall/lifecycle";
import {
  CoordinatorServiceService,
  type CoordinatorServiceWatchMapRequest,
  type CoordinatorServiceWatchMapResponse,
} from "@guildhall/proto";
import { createGatewayClient, createRpcServer, type GatewayClient, serveExchange } from "@guildhall/rpc";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeGateways } from "../src/clients/gateways.ts";
import { MemorySessionStore } from "../src/store/session-store-memory.ts";
import { newOwners } from "../src/topics/new-owners.ts";
import { commonIntents, guildId, openChannel, startPopulated } from "./support/populated.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const message = (content: string) => makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(openChannel) });

type Fleet = Awaited<ReturnType<typeof startPopulated>>;
let fleet: Fleet;
let client: GatewayClient;

beforeEach(async () => {
  fleet = await startPopulated();
  client = createGatewayClient(fleet.gateway.address);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await fleet[Symbol.asyncDispose]();
});

async function bot(id: bigint) {
  const token = fleet.addBot(id);
  const session = await fleet.connect().identify(token, { intents: commonIntents });
  await session.waitForType("GUILD_CREATE");
  return session;
}

test("a session that another gateway claims is let go of, and its client cut off", async () => {
  const [taken, other] = [await bot(1n), await bot(2n)];
  const claim = { sessionId: taken.sessionId, generation: 1, gateway: "gateway-1" };
  expect(await client.call("sealSession", { ...claim, generation: 0 })).toMatchObject({ held: false });
  expect(taken.closed).toBeUndefined();
  const sealed = await client.call("sealSession", claim);
  expect(sealed).toMatchObject({ held: true, s: BigInt(taken.lastS) });
  expect(await taken.waitForClose()).toBe(4000);
  expect(await client.call("sealSession", claim)).toMatchObject({ held: false });
  expect(await client.call("sealSession", { ...claim, sessionId: "none" })).toMatchObject({ held: false });
  expect(other.closed).toBeUndefined();
  expect(await fleet.metric("guildhall_gateway_seals_total")).toBe(4);
});

test("a session without a client is let go of at the place where it was cut", async () => {
  const session = await bot(1n);
  const { sessionId, lastS } = session;
  session.terminate();
  await waitFor(async () => (await client.call("describeSessions", { limit: 0 })).waiting === 1n);
  fleet.router.emit(fleet.guild, [message("missed")]);
  const sealed = await client.call("sealSession", { sessionId, generation: 3, gateway: "gateway-1" });
  expect(sealed).toMatchObject({ held: true, s: BigInt(lastS) });
});

test("tells of its sessions, but nothing by which one could be taken", async () => {
  const first = await bot(1n);
  const second = await fleet.connect({ query: "?v=10&encoding=json&compress=zlib-stream" }).identify(fleet.addBot(2n), {
    intents: commonIntents,
    shard: [0, 2],
  });
  await second.waitForType("READY");
  first.terminate();
  const all = await waitFor(async () => {
    const described = await client.call("describeSessions", { limit: 10 });
    return described.waiting === 1n ? described : undefined;
  });
  expect(all).toMatchObject({ gateway: "gateway-0", state: "Serving", connected: 1n, waiting: 1n, adopted: 0n });
  expect(all.sessions).toMatchObject([
    { userId: 2n, state: "connected", encoding: "zlib-stream", shardId: 0, shardCount: 2, hereOnly: false },
    { userId: 1n, state: "waiting", encoding: "", guilds: 1, s: BigInt(first.lastS) },
  ]);
  expect(first.sessionId.startsWith(all.sessions[1]?.id ?? "-")).toBe(true);
  expect(all.sessions.map(({ id }) => id.length)).toEqual([16, 16]);
  expect(Math.abs(Number(all.sessions[0]?.sinceMs) - Date.now())).toBeLessThan(60_000);
  expect((await client.call("describeSessions", { limit: 1 })).sessions).toHaveLength(1);
  expect((await client.call("describeSessions", { limit: 0 })).sessions).toEqual([]);
});

test("tells when an event came and how many sessions got it", async () => {
  const sessions = [await bot(1n), await bot(2n)];
  fleet.router.emit(fleet.guild, [message("traced")]);
  for (const session of sessions) await session.waitForType("MESSAGE_CREATE");
  const { seq } = fleet.guild;
  const trace = await client.call("trace", { messageId: 7n, topic: guildId, seq });
  expect(trace.steps).toMatchObject([
    { process: "gateway-0", what: "received", detail: "" },
    { process: "gateway-0", what: "dispatched", detail: "to 2 sessions" },
  ]);
  const [received, dispatched] = trace.steps;
  expect(dispatched?.atUs).toBeGreaterThanOrEqual(received?.atUs ?? 0n);
  expect((await client.call("trace", { messageId: 7n, topic: guildId, seq: seq + 1n })).steps).toEqual([]);
});

test("finds other gateways by their logs, and takes nobody's word for a silent one", async () => {
  using folder = makeTempDir();
  const store = new MemorySessionStore(() => Date.now());
  const time = { clock: systemClock, timers: systemTimers };
  const log = { debug() {}, info() {}, warn() {}, error() {} } as never;
  const self = { tag: "00000001", name: "gateway-1", address: `unix:${folder.path}/self.sock` };
  await using gateways = makeGateways({ store, self, log, ...time });
  expect(await gateways.isOtherServing()).toBe(false);
  expect(await gateways.seal("0000000f", { sessionId: "x", generation: 1, gateway: "gateway-1" })).toBeUndefined();

  const dead = { tag: "00000002", name: "gateway-2", address: `unix:${folder.path}/dead.sock` };
  store.createLog(dead).begin(1, Buffer.from("x"));
  expect(await gateways.isOtherServing()).toBe(false);
  expect(await gateways.seal(dead.tag, { sessionId: "x", generation: 1, gateway: "gateway-1" })).toBeUndefined();

  const living = { tag: "00000003", name: "gateway-0", address: fleet.gateway.address };
  store.createLog(living).begin(1, Buffer.from("x"));
  expect(await gateways.isOtherServing()).toBe(true);
  const session = await bot(1n);
  const request = { sessionId: session.sessionId, generation: 1, gateway: "gateway-1" };
  expect(await gateways.seal(living.tag, request)).toMatchObject({ held: true, s: session.lastS });
  const drained = fleet.gateway.drain();
  expect(await gateways.isOtherServing()).toBe(false);
  await drained;
});

test("asks how far the guilds have got of which another process is in charge now, and only those", async () => {
  type Map = CoordinatorServiceWatchMapResponse;
  const calls: ServerWritableStream<CoordinatorServiceWatchMapRequest, Map>[] = [];
  const entry = (i: number, epoch: number) => {
    const place = { host: `guild-${epoch}`, address: `guild-${epoch}:1`, incarnation: `incarnation-${epoch}` };
    return { range: { i, n: 2 }, ...place, epoch, moving: undefined };
  };
  const tell = (version: bigint, even: number, odd: number): void => {
    const message = { version, fromVersion: 0n, entries: [entry(0, even), entry(1, odd)], removed: [] };
    for (const call of calls) call.write(message);
  };
  await using _coordinator = await createRpcServer({
    address: fleet.gateway.address.replace("gateway-0", "c"),
    services: [
      [
        CoordinatorServiceService,
        {
          exchange: serveExchange({ limit: { inFlight: 1 }, handle: () => undefined }),
          watchMap: (call: (typeof calls)[number]) => void calls.push(call),
        },
      ],
    ],
    drainTimeoutMs: 1,
  });
  await bot(1n);
  await waitFor(() => calls.length > 0, { timeoutMs: 20_000 });
  tell(1n, 1, 1);
  // The guild's slot is odd.
  tell(2n, 2, 1);
  const session = await bot(2n);
  expect(fleet.router.asked).not.toContain("heads");
  tell(3n, 2, 3);
  await waitFor(() => fleet.router.asked.includes("heads"));
  expect(session.closed).toBeUndefined();
});

test("another process in charge of slots is news, a split or an unknown shard is none", () => {
  const entry = (i: number, n: number, incarnation: string) => ({
    range: { i, n },
    host: "guild-0",
    address: "a",
    epoch: 1,
    incarnation,
  });
  const before = [entry(0, 2, "one"), entry(1, 2, "two")];
  const after = (...entries: ReturnType<typeof entry>[]) => newOwners(before, { entries: () => entries });
  expect(after(...before)).toEqual([]);
  expect(after(entry(0, 2, "one"), entry(1, 4, "two"), entry(3, 4, "two"))).toEqual([]);
  expect(after(entry(0, 2, "one"), entry(1, 4, "two"), entry(3, 4, "one"))).toEqual([entry(3, 4, "one")]);
  expect(after(entry(0, 2, "new"), entry(1, 2, "two"))).toEqual([entry(0, 2, "new")]);
  expect(newOwners([], { entries: () => before })).toEqual([]);
});
