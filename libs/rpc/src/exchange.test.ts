import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import {
  type GuildServiceExchangeRequest,
  type GuildServiceExchangeResponse,
  GuildServiceService,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import {
  createGuildClient,
  createRpcServer,
  type ExchangeCall,
  type GuildClient,
  type RpcServer,
  type ServeExchangeOptions,
  type ServiceClientOptions,
  serveExchange,
} from "./index.ts";

type Handle = ServeExchangeOptions<TopicRequest, TopicReply>["handle"];
type RawCall = ServerDuplexStream<GuildServiceExchangeRequest, GuildServiceExchangeResponse>;

let stack: AsyncDisposableStack;
let address: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  address = `unix:${stack.use(makeTempDir()).path}/guild.sock`;
});
afterEach(() => stack.disposeAsync());

const echo: Handle = (request) =>
  request.body?.$case === "heads"
    ? { $case: "heads", value: { heads: [], sources: request.body.value.topics.map(String) } }
    : { $case: "failure", value: { code: "UNKNOWN_GUILD", message: "", fields: [], retryAfterMs: 0 } };

async function serve(handle: Handle, inFlight = 1_000): Promise<RpcServer> {
  const exchange = serveExchange<TopicRequest, TopicReply>({ handle, limit: { inFlight } });
  return stack.use(
    await createRpcServer({ address, services: [[GuildServiceService, { exchange }]], drainTimeoutMs: 100 }),
  );
}

async function serveRaw(exchange: (call: RawCall) => void): Promise<RpcServer> {
  return stack.use(
    await createRpcServer({ address, services: [[GuildServiceService, { exchange }]], drainTimeoutMs: 100 }),
  );
}

function connect(options: ServiceClientOptions = {}): GuildClient {
  return stack.use(createGuildClient(address, { name: "guild-0", self: "router-0", ...options }));
}

/** One `heads` call about a topic, as its answer's source or its error's code. */
async function ask(client: GuildClient, topic: bigint, timeoutMs?: number): Promise<string> {
  try {
    const { sources } = await client.call("heads", { topics: [topic] }, { timeoutMs });
    return sources.join();
  } catch (error) {
    return (error as GuildhallError).code;
  }
}

const never = () => new Promise<TopicReply["body"]>(() => {});

test("calls of one turn travel in one message and each gets its own answer", async () => {
  const batches: number[] = [];
  await serveRaw((call) => {
    call.on("data", ({ requests }: GuildServiceExchangeRequest) => {
      batches.push(requests.length);
      const replies = requests.map((request) => ({ id: request.id, body: echo(request, {} as ExchangeCall) }));
      call.write({ replies: (replies as TopicReply[]).reverse() });
    });
  });
  const client = connect();
  await waitFor(() => client.connected);
  const answers = await Promise.all([1n, 2n, 3n, 4n].map((topic) => ask(client, topic)));
  expect(answers).toEqual(["1", "2", "3", "4"]);
  expect(batches).toEqual([4]);
});

test("a handler's error arrives with its code, fields and wait", async () => {
  const fields = [{ path: ["content"], code: "BASE_TYPE_MAX_LENGTH", message: "too long" }];
  await serve(async () => {
    throw new GuildhallError("INVALID_FORM", "no", { fields, retryAfterMs: 250 });
  });
  const refused = connect().call("heads", { topics: [] });
  await expect(refused).rejects.toMatchObject({ code: "INVALID_FORM", fields, retryAfterMs: 250 });
});

test("an error of no table arrives as INTERNAL, and the server hears of it", async () => {
  const seen: unknown[] = [];
  const exchange = serveExchange<TopicRequest, TopicReply>({
    handle: () => {
      throw new TypeError("broken");
    },
    limit: { inFlight: 1 },
    onError: (error) => seen.push(error),
  });
  stack.use(await createRpcServer({ address, services: [[GuildServiceService, { exchange }]] }));
  expect(await ask(connect(), 1n)).toBe("INTERNAL");
  expect(seen).toEqual([expect.objectContaining({ message: "broken" })]);
});

test("the handler learns who asks, under which trace, and what else the request says", async () => {
  const seen: unknown[] = [];
  await serve((request, call) => {
    seen.push([call.peer, call.traceparent, request.topic, request.timeoutMs]);
    return echo(request, call);
  });
  const traceparent = "00-11111111111111111111111111111111-2222222222222222-00";
  await connect().call("heads", { topics: [] }, { traceparent, timeoutMs: 5_000, extra: { topic: 9n } });
  expect(seen).toEqual([["router-0", traceparent, 9n, 5_000]]);
});

test("a raw call passes failures through as replies", async () => {
  await serve(echo);
  const body: TopicRequest["body"] = { $case: "refill", value: { topic: 1n, fromSeq: 1n, toSeq: 2n } };
  const reply = await connect().callRaw({ traceparent: "", topic: 1n, timeoutMs: 0, body });
  expect(reply.body).toMatchObject({ $case: "failure", value: { code: "UNKNOWN_GUILD" } });
});

test("what was written when the stream broke is lost; the client comes back by itself", async () => {
  const events: string[] = [];
  const first = await serveRaw((call) => {
    call.on("data", () => call.emit("error", { code: status.UNAVAILABLE, details: "gone" }));
  });
  const client = connect();
  client.onConnect(() => events.push("up"));
  client.onDisconnect(() => events.push("down"));
  expect(await ask(client, 1n)).toBe("STREAM_LOST");
  await first[Symbol.asyncDispose]();
  await serve(echo);
  expect(await ask(client, 2n)).toBe("2");
  expect(events[0]).toBe("up");
  expect(events.slice(-2)).toEqual(["down", "up"]);
});

test("calls made before the server is there wait for it", async () => {
  const client = connect();
  const answer = ask(client, 5n);
  await serve(echo);
  expect(await answer).toBe("5");
});

test("a call that could never be written ends UNAVAILABLE, a written one DEADLINE_EXCEEDED", async () => {
  const client = connect();
  expect(await ask(client, 1n, 60)).toBe("UNAVAILABLE");
  await serve(never);
  await waitFor(() => client.connected);
  expect(await ask(client, 1n, 60)).toBe("DEADLINE_EXCEEDED");
});

test("over maxPending a call is refused at once", async () => {
  const client = connect({ maxPending: 2, timeoutMs: 100 });
  const answers = await Promise.all([1n, 2n, 3n].map((topic) => ask(client, topic)));
  expect(answers).toEqual(["UNAVAILABLE", "UNAVAILABLE", "QUEUE_FULL"]);
});

test("over its limit a server refuses and goes on with the others", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  await serve(async (request, call) => {
    await opened;
    return echo(request, call);
  }, 2);
  const client = connect();
  const answers = Promise.all([1n, 2n, 3n].map((topic) => ask(client, topic)));
  await expect(Promise.race([answers, ask(client, 4n)])).resolves.toBe("QUEUE_FULL");
  open();
  expect(await answers).toEqual(["1", "2", "QUEUE_FULL"]);
  expect(await ask(client, 5n)).toBe("5");
});

test("an aborted call is cancelled, and its late answer is nobody's", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  const taken: bigint[] = [];
  await serve(async (request, call) => {
    taken.push(request.id);
    await opened;
    return echo(request, call);
  });
  const client = connect();
  const abort = new AbortController();
  const call = client.call("heads", { topics: [] }, { signal: abort.signal });
  await waitFor(() => taken.length === 1);
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: "CANCELLED" });
  open();
  expect(await ask(client, 8n)).toBe("8");
});

test("large requests queued together are cut into messages of about a megabyte", async () => {
  const batches: number[] = [];
  await serveRaw((call) => {
    call.on("data", ({ requests }: GuildServiceExchangeRequest) => {
      batches.push(requests.length);
      call.write({
        replies: requests.map(({ id }) => ({ id, body: { $case: "heads", value: { heads: [], sources: [] } } })),
      });
    });
  });
  const client = connect();
  const topics = Array.from({ length: 40_000 }, (_, index) => BigInt(index));
  await Promise.all(Array.from({ length: 12 }, () => client.call("heads", { topics })));
  expect(batches.reduce((sum, one) => sum + one, 0)).toBe(12);
  expect(Math.max(...batches)).toBe(3);
});

test("a request or an answer that no message can hold fails alone", async () => {
  const json = Buffer.alloc(17 * 1024 * 1024);
  await serve((request, call) =>
    request.body?.$case === "read"
      ? { $case: "read", value: { of: { $case: "json", value: json } } }
      : echo(request, call),
  );
  const client = connect();
  const read = { actor: undefined, body: undefined };
  await expect(client.call("read", read)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  const topics = Array.from({ length: 2_200_000 }, () => 1n);
  await expect(client.call("heads", { topics })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  expect(await ask(client, 3n)).toBe("3");
});

test("what cannot be encoded fails alone, on either side", async () => {
  await serve((request, call) =>
    request.body?.$case === "join" ? { $case: "join", value: { head: { topic: -1n } } as never } : echo(request, call),
  );
  const client = connect();
  await expect(client.call("heads", { topics: [-1n] })).rejects.toMatchObject({ code: "INTERNAL" });
  const join = client.call("join", { guildId: 1n, users: [], wantShape: false });
  await expect(join).rejects.toMatchObject({ code: "INTERNAL" });
  expect(await ask(client, 3n)).toBe("3");
});

test("a server that does not read makes callers wait, not memory grow", async () => {
  const calls: RawCall[] = [];
  await serveRaw((call) => {
    calls.push(call);
    call.on("data", ({ requests }: GuildServiceExchangeRequest) => {
      call.write({
        replies: requests.map(({ id }) => ({ id, body: { $case: "heads", value: { heads: [], sources: [] } } })),
      });
    });
    call.pause();
  });
  const client = connect({ maxPending: 60, timeoutMs: 60_000 });
  const topics = Array.from({ length: 100_000 }, (_, index) => BigInt(index));
  const answers = Array.from({ length: 61 }, () => client.call("heads", { topics }));
  await expect(answers.pop()).rejects.toMatchObject({ code: "QUEUE_FULL" });
  const call = await waitFor(() => calls[0]);
  call.resume();
  expect(await Promise.all(answers)).toHaveLength(60);
});
