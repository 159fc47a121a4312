import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { commonIntents, startPopulated } from "./support/populated.ts";
import type { TestClient } from "./support/test-client.ts";

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
