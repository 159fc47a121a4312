import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { commonIntents, openChannel, startPopulated } from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const message = (content: string) => makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(openChannel) });
const contentsOf = (clients: readonly TestClient[]) =>
  clients.flatMap((client) => client.ofType("MESSAGE_CREATE")).map(({ d }) => (d as { content: string }).content);

type Fleet = Awaited<ReturnType<typeof startPopulated>>;

const heardReconnect = ({ payloads }: TestClient) => payloads.some(({ op }) => op === 7);

async function connectMany(fleet: Fleet, count: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let at = 1; at <= count; at++) {
    const client = await fleet.connect().identify(fleet.addBot(BigInt(at)), { intents: commonIntents });
    await client.waitForType("GUILD_CREATE");
    clients.push(client);
  }
  return clients;
}

test("tells its clients batch by batch, and closes those that stay", async () => {
  await using fleet = await startPopulated({ drainBatchPercent: 25 }, { drainSpreadMs: 400 });
  const clients = await connectMany(fleet, 8);
  const drained = fleet.gateway.drain();
  expect(fleet.gateway.drain()).toBe(drained);
  await waitFor(() => clients.some(heardReconnect));
  expect(clients.filter(heardReconnect)).toHaveLength(2);
  await drained;
  expect(clients.every(heardReconnect)).toBe(true);
  await waitFor(() => clients.every(({ closed }) => closed?.code === 1001));
  expect(await fleet.metric("guildhall_gateway_drains_total")).toBe(1);
});

test("nothing is sent to a session after RECONNECT but what a heartbeat needs", async () => {
  await using fleet = await startPopulated({}, { drainSpreadMs: 10 });
  const [client] = (await connectMany(fleet, 1)) as [TestClient];
  const drained = fleet.gateway.drain();
  await waitFor(() => heardReconnect(client));
  client.send(3, { status: "idle", afk: false, activities: [], since: null });
  client.send(2, { token: "token-1", properties: {}, intents: 0 });
  client.send(1, null);
  fleet.router.emit(fleet.guild, []);
  await waitFor(() => client.payloads.at(-1)?.op === 11);
  expect(client.payloads.slice(-2).map(({ op }) => op)).toEqual([7, 11]);
  await drained;
});

test("a session that is about to begin is let begin first", async () => {
  await using fleet = await startPopulated({}, { drainSpreadMs: 10 });
  const { promise: asked, resolve: goOn } = Promise.withResolvers<void>();
  fleet.router.afterJoin = goOn;
  const client = fleet.connect();
  const identified = client.identify(fleet.addBot(1n), { intents: commonIntents });
  await asked;
  await fleet.gateway.drain();
  await identified;
  expect(client.payloads.map(({ op, t }) => t ?? op)).toEqual([10, "READY", "GUILD_CREATE", 7]);
});

test("says that it drains", async () => {
  await using fleet = await startPopulated();
  const readiness = async () => (await fetch(new URL("/readyz", fleet.gateway.metricsUrl))).status;
  expect(await readiness()).toBe(200);
  const drained = fleet.gateway.drain();
  expect(await readiness()).toBe(503);
  await drained;
});

test("waits for its sessions to go on at another gateway, and each misses nothing", async () => {
  await using fleet = await startPopulated({ drainBatchPercent: 10 });
  const other = await fleet.addGateway("gateway-1");
  const clients = await connectMany(fleet, 12);
  let sent = 0;
  const talk = setInterval(() => fleet.router.emit(fleet.guild, [message(String(++sent))]), 5);
  await waitFor(() => sent > 20);
  const followers = clients.map(async (client, at): Promise<TestClient[]> => {
    await waitFor(() => heardReconnect(client), { timeoutMs: 20_000 });
    // A little slow, some of them.
    await waitFor(() => client.closed ?? at % 3 > 0);
    client.close(4000);
    const next = fleet.connect({ url: `ws://127.0.0.1:${other.ports.ws}` });
    return [client, await next.resume(`token-${at + 1}`, client.sessionId, client.lastS)];
  });
  await fleet.gateway.drain();
  const pairs = await Promise.all(followers);
  clearInterval(talk);
  fleet.router.emit(fleet.guild, [message("end")]);
  const everything = Array.from({ length: sent }, (_, at) => String(at + 1)).concat("end");
  for (const pair of pairs) {
    await waitFor(() => contentsOf(pair).at(-1) === "end");
    expect(contentsOf(pair)).toEqual(everything.slice(-contentsOf(pair).length));
    expect(contentsOf(pair).length).toBeGreaterThan(20);
    const numbers = pair.flatMap(({ dispatches }) => dispatches.map(({ s }) => s));
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  }
  const metrics = await (await fetch(fleet.gateway.metricsUrl)).text();
  expect(metrics).toMatch(/guildhall_gateway_drains_total\{[^}]*result="complete"[^}]*\} 1/);
  expect(await fleet.metric("guildhall_gateway_seals_total")).toBe(12);
});

test("a successor goes on with what was left to the log", async () => {
  await using fleet = await startPopulated({}, { drainSpreadMs: 10 });
  const [client] = (await connectMany(fleet, 1)) as [TestClient];
  await fleet.gateway.drain();
  await fleet.gateway[Symbol.asyncDispose]();
  fleet.router.emit(fleet.guild, [message("while nobody was there")]);
  const successor = await fleet.addGateway("gateway-0");
  const again = fleet.connect({ url: `ws://127.0.0.1:${successor.ports.ws}` });
  await again.resume("token-1", client.sessionId, client.lastS);
  await waitFor(() => contentsOf([again]).length > 0);
  expect(again.dispatches.map(({ s }) => s)).toEqual([client.lastS + 1, client.lastS + 2]);
});
