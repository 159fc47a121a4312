import { randomInt } from "node:crypto";
import { type AddressInfo, isIPv6 } from "node:net";
import { GuildhallError } from "@guildhall/errors";
import { type Running, systemClock, systemTimers } from "@guildhall/lifecycle";
import {
  createCoordinatorClient,
  createRouterClient,
  createUserClient,
  createWorkerLease,
  type WorkerLease,
} from "@guildhall/rpc";
import { createTelemetry, type Telemetry } from "@guildhall/telemetry";
import type { FastifyInstance } from "fastify";
import { type Authenticator, makeAuthenticator } from "./auth/authenticator.ts";
import { makeRevocationFeed, type RevocationFeed } from "./auth/revocation-feed.ts";
import { makeOpenRevocations } from "./clients/revocation-streams.ts";
import { makeTopics } from "./clients/topics.ts";
import { makeUsers, type Users } from "./clients/users.ts";
import type { ApiConfig } from "./config.ts";
import type { ApiContext } from "./context.ts";
import { makeInviteCode } from "./domain/invite-code.ts";
import { type ApiEvents, makeEvents } from "./events.ts";
import { makeServer } from "./http/server.ts";
import { makeMemoryRateLimiter } from "./limits/rate-limiter-memory.ts";
import { routes } from "./routes/routes.ts";

/** The service, ready. */
export interface ApiService extends Running {
  /** Where it is reached, e.g. "http://127.0.0.1:8080". */
  readonly url: string;
  /** The HTTP server, for tests that need no socket. */
  readonly app: FastifyInstance;
}

const clock = systemClock;
const timers = systemTimers;

const maxTokens = 50_000;
const accountTtlMs = 60_000;
const accountStaleMs = 600_000;
const maxLimitKeys = 200_000;
const sweepMs = 20;

/** What is there once the coordinator has answered. */
interface Leased {
  current: WorkerLease | undefined;
}

/** Starts the service. It listens at once; it has returned when it can make ids. `stopping` ends the wait for them. */
export async function createApiService(config: ApiConfig, stopping?: AbortSignal): Promise<ApiService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "api", ...config }));
  const events = makeEvents(telemetry.metrics, telemetry.log);
  const leased: Leased = { current: undefined };
  const { context, feed } = makeContext(config, telemetry, events, leased, stack);
  telemetry.setReady(() => notReady(context, feed, leased));
  const app = makeServer(routes, context);
  stack.defer(() => closeServer(app));
  const port = await listen(app, config);
  const coordinator = stack.use(createCoordinatorClient(config.coordinator, clientOptions(config, telemetry)));
  const lease = await createWorkerLease(coordinator, {
    process: config.name,
    ...(stopping && { signal: stopping }),
  });
  leased.current = stack.use(lease);
  const url = `http://${isIPv6(config.httpHost) ? `[${config.httpHost}]` : config.httpHost}:${port}`;
  telemetry.log.info({ url }, "ready");
  const owned = stack.move();
  return {
    url,
    app,
    metricsUrl: telemetry.metricsUrl,
    ports: { http: port },
    drain: () => closeServer(app),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function clientOptions({ name }: ApiConfig, { metrics }: Telemetry) {
  return { self: name, metrics };
}

function makeContext(
  config: ApiConfig,
  telemetry: Telemetry,
  events: ApiEvents,
  leased: Leased,
  stack: AsyncDisposableStack,
): { readonly context: ApiContext; readonly feed: RevocationFeed } {
  const options = clientOptions(config, telemetry);
  const { monotonicMs, nowMs } = clock;
  const routers = config.routers.map((address) => stack.use(createRouterClient(address, options)));
  const userClients = config.users.map((address) => stack.use(createUserClient(address, options)));
  const retried = (service: string) => (code: string) => events.retried(service, code);
  const users = makeUsers({ users: userClients, monotonicMs, onRetry: retried("user") });
  const { authenticator, feed } = makeTokens(config, users, events);
  stack.use(feed);
  const limiter =
    config.rateLimits === "Off"
      ? undefined
      : stack.use(makeMemoryRateLimiter({ nowMs, maxKeys: maxLimitKeys, onForgotten: events.limitForgotten }));
  const context: ApiContext = {
    clock,
    authenticator,
    limiter,
    users,
    topics: makeTopics({ routers, monotonicMs, onRetry: retried("router") }),
    nextId: () => nextId(leased),
    newInviteCode: () => makeInviteCode(randomInt),
    gatewayUrl: config.gatewayUrl,
    startSpan: telemetry.startSpan,
    events,
  };
  return { context, feed };
}

function makeTokens(
  config: ApiConfig,
  users: Users,
  events: ApiEvents,
): { readonly authenticator: Authenticator; readonly feed: RevocationFeed } {
  const authenticator = makeAuthenticator({
    authenticate: users.authenticate,
    hearsRevocations: () => feed.isAlive(),
    canAsk: users.isConnected,
    monotonicMs: clock.monotonicMs,
    maxTokens,
    ttlMs: accountTtlMs,
    staleMs: accountStaleMs,
  });
  const feed = makeRevocationFeed({
    addresses: config.users,
    open: makeOpenRevocations(config.name),
    clock,
    timers,
    onRevoked: (tokenHashes) => authenticator.revoke(tokenHashes),
    onGap() {
      events.revocationsGap();
      authenticator.forget();
    },
  });
  return { authenticator, feed };
}

function nextId({ current }: Leased): bigint {
  if (current === undefined) throw new GuildhallError("UNAVAILABLE", "no worker id has been leased yet");
  return current.generator.next();
}

function notReady(context: ApiContext, feed: RevocationFeed, leased: Leased): Record<string, string> {
  return {
    ...(!context.topics.isConnected() && { router: "not connected" }),
    ...(!context.users.isConnected() && { user: "not connected" }),
    ...(!feed.isAlive() && { revocations: "not heard for 1 s" }),
    ...((leased.current === undefined || leased.current.lost.aborted) && { workerId: "none leased" }),
  };
}

/** Stops listening and answers what was taken. Connections that fall idle after their answer would hold it up. */
async function closeServer(app: FastifyInstance): Promise<void> {
  using _sweep = timers.every(sweepMs, () => app.server.closeIdleConnections());
  await app.close();
}

async function listen(app: FastifyInstance, { httpHost, httpPort }: ApiConfig): Promise<number> {
  try {
    await app.listen({ host: httpHost, port: httpPort });
  } catch (cause) {
    const code = (cause as { code?: unknown }).code === "EADDRINUSE" ? "PORT_TAKEN" : "BAD_CONFIG";
    throw new GuildhallError(code, `cannot listen on ${httpHost}:${httpPort}`, { cause });
  }
  return (app.server.address() as AddressInfo).port;
}
