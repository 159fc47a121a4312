import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type handleUnaryCall, makeGenericClientConstructor, type ServiceDefinition } from "@grpc/grpc-js";
import { type UserReply, type UserRequest, UserServiceService } from "@guildhall/proto";
import { createRpcServer, createUserClient, serveExchange } from "@guildhall/rpc";
import { rateFor } from "../support/rest-client.ts";
import type { Bench } from "./bench.ts";

const atOnce = 64;
const durationMs = 3_000;
const same = (bytes: Buffer) => bytes;

/** A unary call of bare bytes: what the exchange is measured against. */
const unaryService: ServiceDefinition = {
  echo: {
    path: "/guildhall.bench.Unary/Echo",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

const echo: handleUnaryCall<Buffer, Buffer> = (call, callback) => callback(null, call.request);

interface Cost {
  readonly perSecond: number;
  /** Both sides run in this process. */
  readonly cpuMicros: number;
}

async function costOf(work: () => Promise<void>): Promise<Cost> {
  await rateFor(1_000, atOnce, work);
  const cpuBefore = process.cpuUsage();
  const perSecond = await rateFor(durationMs, atOnce, work);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond, cpuMicros: (user + system) / (perSecond * (durationMs / 1000)) };
}

async function unaryCost(address: string): Promise<Cost> {
  const Client = makeGenericClientConstructor(unaryService, "Unary");
  const client = new Client(address, credentials.createInsecure());
  const payload = Buffer.alloc(64);
  const call = () =>
    new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest("/guildhall.bench.Unary/Echo", same, same, payload, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  const cost = await costOf(call);
  client.close();
  return cost;
}

async function exchangeCost(address: string): Promise<Cost> {
  await using client = createUserClient(address);
  const tokenHash = Buffer.alloc(32);
  // Awaited here: the client lives until it is done.
  return await costOf(async () => {
    await client.call("logout", { tokenHash });
  });
}

/** A unary call against an exchange, 64 at once over a unix socket, both sides in one process. */
export const rpc: Bench = {
  name: "rpc",
  what: "an exchange against unary calls, 64 at once",
  async run() {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "guildhall-bench-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const exchange = serveExchange<UserRequest, UserReply>({
      limit: { inFlight: 1024 },
      handle: () => ({ $case: "logout", value: {} }),
    });
    const server = stack.use(
      await createRpcServer({
        address: `unix:${folder}/rpc.sock`,
        services: [
          [unaryService, { echo }],
          [UserServiceService, { exchange, watchRevocations: () => {} }],
        ],
      }),
    );
    const unary = await unaryCost(server.address);
    const stream = await exchangeCost(server.address);
    return [
      { name: "unary", value: unary.perSecond, unit: "calls/s" },
      { name: "exchange", value: stream.perSecond, unit: "calls/s" },
      { name: "exchange / unary", value: stream.perSecond / unary.perSecond, unit: "ratio" },
      { name: "CPU of a unary call, both sides", value: unary.cpuMicros, unit: "µs" },
      { name: "CPU of an exchange call, both sides", value: stream.cpuMicros, unit: "µs" },
    ];
  },
};
