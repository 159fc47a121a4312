import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeRelays, type Relays } from "./relay.ts";

let stack: AsyncDisposableStack;
let relays: Relays;
let received: string;
let client: Socket;
let hasEnded: boolean;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  const folder = stack.use(makeTempDir()).path;
  received = "";
  hasEnded = false;
  const server = createServer((socket) => socket.on("data", (data) => (received += data)).on("error", () => {}));
  server.listen(join(folder, "server.sock"));
  stack.defer(() => void server.close());
  relays = stack.use(makeRelays(folder));
  const address = relays.between("a", "b", `unix:${join(folder, "server.sock")}`);
  await waitFor(() => server.listening);
  client = createConnection(address.slice("unix:".length)).on("error", () => {});
  client.on("close", () => {
    hasEnded = true;
  });
  await once(client, "connect");
});

afterEach(async () => {
  client.destroy();
  await stack.disposeAsync();
});

test("bytes pass; what is held passes when the two are joined again", async () => {
  client.write("1");
  await waitFor(() => received === "1");
  relays.part("a", "b", "held");
  client.write("2");
  await new Promise((resolve) => setImmediate(resolve));
  expect(received).toBe("1");
  relays.join("a", "b");
  await waitFor(() => received === "12");
  expect(hasEnded).toBe(false);
});

test("a cut ends connections, and joined again new ones pass", async () => {
  relays.part("a", "b", "cut");
  await waitFor(() => hasEnded);
  relays.joinAll();
  expect(() => relays.part("b", "a", "cut")).toThrow("nothing goes from b to a");
});
