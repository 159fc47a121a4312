import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { HandedSockets } from "@guildhall/lifecycle";
import { waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { commonIntents, startPopulated } from "./support/populated.ts";

let port: Server;
let handed: HandedSockets & { isPortClosed: boolean; isRefused: boolean };

beforeEach(async () => {
  let hand: (socket: Socket) => void = () => {};
  handed = {
    isPortClosed: false,
    isRefused: false,
    take: (onSocket) => {
      hand = onSocket;
    },
    refuse: () => {
      handed.isRefused = true;
    },
  };
  port = createServer((socket) => hand(socket));
  port.listen(0, "127.0.0.1");
  await once(port, "listening");
});

afterEach(() => {
  port.close();
});

const url = () => `ws://127.0.0.1:${(port.address() as AddressInfo).port}`;

test("serves connections that its parent accepts, and its own port", async () => {
  await using fleet = await startPopulated({ isFromParent: true }, { handedSockets: handed });
  expect(fleet.gateway.ports.ws).toBeUndefined();
  const token = fleet.addBot(1n);
  for (const at of [url(), `ws://127.0.0.1:${fleet.gateway.ports.own}`]) {
    const client = await fleet.connect({ url: at }).identify(token, { intents: commonIntents });
    await client.waitForType("GUILD_CREATE");
    client.terminate();
  }
  expect(await fleet.metric("guildhall_gateway_handed_sockets_total")).toBe(1);
  const plain = await fetch(url().replace("ws:", "http:"));
  expect(plain.status).toBe(426);
});

test("asks for no more when it drains, and sends away what still comes", async () => {
  await using fleet = await startPopulated({ isFromParent: true }, { handedSockets: handed });
  const client = await fleet.connect({ url: url() }).identify(fleet.addBot(1n), { intents: commonIntents });
  const drained = fleet.gateway.drain();
  expect(handed.isRefused).toBe(true);
  await waitFor(() => client.payloads.some(({ op }) => op === 7));
  const late = fleet.connect({ url: url() });
  await waitFor(() => late.closed);
  expect(late.payloads).toEqual([]);
  client.close(4000);
  await drained;
});

test("waits for nobody once the port is closed", async () => {
  await using fleet = await startPopulated(
    { isFromParent: true, drainBatchPercent: 1 },
    { handedSockets: handed, drainSpreadMs: 600_000 },
  );
  const clients = [fleet.connect({ url: url() }), fleet.connect({ url: url() })];
  for (const client of clients) await client.opened();
  handed.isPortClosed = true;
  await fleet.gateway.drain();
  for (const client of clients) expect(client.payloads.map(({ op }) => op)).toEqual([10, 7]);
});

test("needs a parent when it is told that there is one", async () => {
  await expect(startPopulated({ isFromParent: true })).rejects.toMatchObject({ code: "BAD_CONFIG" });
});
