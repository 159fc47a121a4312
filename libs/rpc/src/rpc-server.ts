import { chmod, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import { chunkable, setEncoder } from "./batch-codec.ts";
import { encodersOf } from "./batch-encoders.ts";
import { channelOptions } from "./grpc-client.ts";
import type { ExchangeHandler } from "./serve-exchange.ts";

/** What is served, and where. */
export interface RpcServerOptions {
  /** `host:port` (port 0 picks one) or `unix:/absolute/path`. */
  readonly address: string;
  /** Definitions with their handlers. Handlers that have `drain()` (serveExchange) are drained at disposal. */
  readonly services: ReadonlyArray<readonly [ServiceDefinition, UntypedServiceImplementation]>;
  /** How long what was taken may take to be answered at disposal; default 5 s. */
  readonly drainTimeoutMs?: number;
}

/** A bound server. Disposal answers what was taken, ends the streams, and stops listening. */
export interface RpcServer extends AsyncDisposable {
  /** Where clients reach it. */
  readonly address: string;
}

type StreamCall = Pick<ServerWritableStream<unknown, unknown>, "sendMetadata">;
type StreamHandler = ((call: StreamCall) => void) & Partial<Pick<ExchangeHandler<unknown, unknown>, "drain">>;

const unixPrefix = "unix:";
/** The system's limit (sockaddr_un) less the final zero. */
const maxSocketPathBytes = 107;
const flushMs = 100;

/** Binds and serves. Rejects with GuildhallError PORT_TAKEN when somebody else serves there, else BAD_CONFIG. */
export async function createRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const { address, services, drainTimeoutMs = 5_000 } = options;
  const socketPath = address.startsWith(unixPrefix) ? address.slice(unixPrefix.length) : undefined;
  if (socketPath !== undefined) await clearSocket(socketPath);
  const server = new Server({ ...channelOptions });
  for (const [definition, implementation] of services) {
    server.addService(...prepare(definition, implementation));
  }
  const port = await bind(server, address);
  if (socketPath !== undefined) await chmod(socketPath, 0o600);
  const implementations = services.map(([, implementation]) => implementation);
  let disposed: Promise<void> | undefined;
  return {
    address: socketPath === undefined ? address.replace(/:\d+$/, `:${port}`) : address,
    [Symbol.asyncDispose]() {
      disposed ??= stop(server, implementations, drainTimeoutMs);
      return disposed;
    },
  };
}

/** A service as gRPC is given it: every stream sends its headers at once, and may be written in pieces. */
function prepare(
  definition: ServiceDefinition,
  implementation: UntypedServiceImplementation,
): [ServiceDefinition, UntypedServiceImplementation] {
  const methods: Record<string, ServiceDefinition[string]> = {};
  const handlers: UntypedServiceImplementation = { ...implementation };
  for (const [name, method] of Object.entries(definition)) {
    methods[name] = method;
    const handle = implementation[name] as StreamHandler | undefined;
    if (!method.responseStream || !handle) continue;
    const { reply } = encodersOf(method);
    methods[name] = { ...method, responseSerialize: chunkable(reply) };
    handlers[name] = (call: StreamCall) => {
      setEncoder(call, reply);
      // The headers tell the client that somebody is here: only then does it write.
      call.sendMetadata(new Metadata());
      handle(call);
    };
  }
  return [methods, handlers];
}

/** Removes a socket that a killed process left behind. */
async function clearSocket(path: string): Promise<void> {
  if (Buffer.byteLength(path) > maxSocketPathBytes) {
    throw new GuildhallError("BAD_CONFIG", `the socket path ${path} is longer than ${maxSocketPathBytes} bytes`);
  }
  if (await answers(path)) throw new GuildhallError("PORT_TAKEN", `another process serves ${path}`);
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) return resolve(port);
      const taken = error.message.includes("EADDRINUSE");
      reject(new GuildhallError(taken ? "PORT_TAKEN" : "BAD_CONFIG", `cannot serve ${address}: ${error.message}`));
    });
  });
}

async function stop(
  server: Server,
  implementations: readonly UntypedServiceImplementation[],
  drainTimeoutMs: number,
): Promise<void> {
  const handlers = implementations.flatMap((implementation) => Object.values(implementation) as StreamHandler[]);
  // From here on nobody connects; streams go on until they end.
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  await within(drainTimeoutMs, Promise.all(handlers.map((handler) => handler.drain?.())));
  // Streams that have no drain() would stay open for ever: they are cut once the trailers of the others are out.
  await within(flushMs, closed);
  server.forceShutdown();
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
