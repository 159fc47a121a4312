import { stat, writeFile } from "node:fs/promises";
import { GuildServiceService, type TopicReply, type TopicRequest } from "@guildhall/proto";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createGuildClient, createRpcServer, type GuildClient, type RpcServer, serveExchange } from "./index.ts";

let stack: AsyncDisposableStack;
let socketPath: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  socketPath = `${stack.use(makeTempDir()).path}/guild.sock`;
});
afterEach(() => stack.disposeAsync());

type Answer = () => Promise<string> | string;

async function serve(answer: Answer, signals: AbortSignal[] = []): Promise<RpcServer> {
  const exchange = serveExchange<TopicRequest, TopicReply>({
    limit: { inFlight: 100 },
    async handle(_request, { signal }) {
      signals.push(signal);
      return { $case: "heads", value: { heads: [], sources: [await answer()] } };
    },
  });
  return stack.use(
    await createRpcServer({ address: `unix:${socketPath}`, services: [[GuildServiceService, { exchange }]] }),
  );
}

const connect = () => stack.use(createGuildClient(`unix:${socketPath}`));

async function ask(client: GuildClient): Promise<string> {
  const { sources } = await client.call("heads", { topics: [] });
  return sources.join();
}

test("a server that stops answers what it took, and the rest goes to its successor", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  let taken = 0;
  const first = await serve(async () => {
    taken += 1;
    await opened;
    return "first";
  });
  const client = connect();
  const before = ask(client);
  await waitFor(() => taken === 1);
  const stopped = first[Symbol.asyncDispose]();
  const meanwhile = [ask(client), ask(client)];
  setTimeout(open, 50);
  expect(await before).toBe("first");
  await stopped;
  await serve(() => "second");
  expect(await Promise.all(meanwhile)).toEqual(["second", "second"]);
  expect(taken).toBe(1);
});

test("a handler learns that its asker is gone", async () => {
  const signals: AbortSignal[] = [];
  await serve(() => new Promise<string>(() => {}), signals);
  const client = connect();
  const call = ask(client);
  await waitFor(() => signals.length === 1);
  await client[Symbol.asyncDispose]();
  await expect(call).rejects.toMatchObject({ code: "STREAM_LOST" });
  await waitFor(() => signals[0]?.aborted);
});

test("a client that is closed lets its calls be answered and takes no more", async () => {
  let taken = 0;
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  await serve(async () => {
    taken += 1;
    await opened;
    return "yes";
  });
  const client = connect();
  const call = ask(client);
  await waitFor(() => taken === 1);
  const closed = client[Symbol.asyncDispose]();
  await expect(ask(client)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  open();
  expect(await call).toBe("yes");
  await closed;
});

test("a socket left by a killed process is replaced, one in use is not", async () => {
  await writeFile(socketPath, "");
  await serve(() => "here");
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  await expect(serve(() => "there")).rejects.toMatchObject({ code: "PORT_TAKEN" });
  expect(await ask(connect())).toBe("here");
});

test("a TCP server tells the port it got; a socket path that is too long is refused by name", async () => {
  const server = stack.use(await createRpcServer({ address: "127.0.0.1:0", services: [] }));
  expect(server.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  await expect(createRpcServer({ address: server.address, services: [] })).rejects.toMatchObject({
    code: "PORT_TAKEN",
  });
  const long = `unix:/tmp/${"x".repeat(120)}`;
  await expect(createRpcServer({ address: long, services: [] })).rejects.toMatchObject({ code: "BAD_CONFIG" });
});
