import { join } from "node:path";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import {
  CoordinatorServiceService,
  type CoordinatorServiceWatchMapRequest,
  type CoordinatorServiceWatchMapResponse,
  type DataReply,
  type DataRequest,
  DataServiceService,
  GuildServiceService,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { createRouterClient, createRpcServer, type RouterClient, serveExchange } from "@guildhall/rpc";
import type { MapEntry } from "@guildhall/slots";
import { makeTempDir } from "@guildhall/testing";
import { createRouterService, type RouterService, readConfig } from "../src/index.ts";

/** What a host or data process does with a request; a promise that stays open = it never answers. */
type Handler<Req, Rep extends { body: unknown }> = (request: Req) => Promise<Rep["body"]> | Rep["body"];

/** A router under test, between servers of the test's own on unix sockets. */
export interface Fleet extends AsyncDisposable {
  readonly router: RouterService;
  readonly client: RouterClient;
  address(name: string): string;
  /** Serves a host; disposing what comes back kills it: streams break. */
  startHost(name: string, handle: Handler<TopicRequest, TopicReply>): Promise<AsyncDisposable>;
  startData(handle: Handler<DataRequest, DataReply>): Promise<AsyncDisposable>;
  /** Publishes a map as the coordinator. */
  publishMap(version: number, entries: readonly MapEntry[]): void;
  metric(line: RegExp): Promise<number>;
}

const limit = { inFlight: 1_000 };
// What is disposed of is killed, not drained.
const drainTimeoutMs = 1;

/** Starts a router, and the coordinator it watches. */
export async function startFleet(): Promise<Fleet> {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(makeTempDir());
  const address = (name: string): string => `unix:${join(dir.path, `${name}.sock`)}`;
  const coordinator = makeMapServer();
  stack.use(
    await createRpcServer({
      address: address("coordinator-0"),
      services: [[CoordinatorServiceService, { exchange: rejecting(), watchMap: coordinator.watchMap }]],
      drainTimeoutMs,
    }),
  );
  const config = readConfig({
    GUILDHALL_NAME: "router-0",
    GUILDHALL_LISTEN: address("router-0"),
    GUILDHALL_DATA: address("data-0"),
    GUILDHALL_COORDINATOR: address("coordinator-0"),
    GUILDHALL_LOG_LEVEL: "silent",
  });
  const router = stack.use(await createRouterService(config));
  const client = stack.use(createRouterClient(router.address, { self: "api-0" }));
  const owned = stack.move();
  return {
    router,
    client,
    address,
    publishMap: coordinator.publish,
    startHost: (name, handle) => {
      const exchange = serveExchange<TopicRequest, TopicReply>({ handle, limit });
      return createRpcServer({
        address: address(name),
        services: [[GuildServiceService, { exchange }]],
        drainTimeoutMs,
      });
    },
    startData: (handle) => {
      const exchange = serveExchange<DataRequest, DataReply>({ handle, limit });
      return createRpcServer({
        address: address("data-0"),
        services: [[DataServiceService, { exchange }]],
        drainTimeoutMs,
      });
    },
    async metric(line) {
      const page = await (await fetch(router.metricsUrl ?? "")).text();
      return Number(line.exec(page)?.[1] ?? 0);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function rejecting() {
  return serveExchange({
    limit: { inFlight: 1 },
    handle: () => {
      throw new GuildhallError("UNAVAILABLE", "this coordinator only publishes maps");
    },
  });
}

function makeMapServer() {
  type Call = ServerWritableStream<CoordinatorServiceWatchMapRequest, CoordinatorServiceWatchMapResponse>;
  const calls = new Set<Call>();
  let last: CoordinatorServiceWatchMapResponse | undefined;
  return {
    watchMap(call: Call): void {
      calls.add(call);
      call.on("cancelled", () => calls.delete(call));
      if (last !== undefined) call.write(last);
    },
    publish(version: number, entries: readonly MapEntry[]): void {
      last = {
        version: BigInt(version),
        fromVersion: 0n,
        entries: entries.map(({ moving, ...entry }) => ({ ...entry, moving })),
        removed: [],
      };
      for (const call of calls) call.write(last);
    },
  };
}
