import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { toGuildhallError } from "@guildhall/errors";
import { type Running, systemTimers } from "@guildhall/lifecycle";
import { type UserReply, type UserRequest, UserServiceService } from "@guildhall/proto";
import {
  createCoordinatorClient,
  createRpcServer,
  createWorkerLease,
  makePublisher,
  serveExchange,
} from "@guildhall/rpc";
import { backUpDatabases } from "@guildhall/rpc/backup";
import { createTelemetry, type Telemetry } from "@guildhall/telemetry";
import type { UserConfig } from "./config.ts";
import type { UserContext } from "./context.ts";
import { makeRevocations } from "./domain/revocations.ts";
import { makeAnnouncer } from "./domain/user-topic.ts";
import { makeUserMetrics } from "./events.ts";
import { answer } from "./rpc/exchange.ts";
import { watchRevocations } from "./rpc/watch-revocations.ts";
import { accountsFile, openAccountsSqlite } from "./store/accounts-sqlite.ts";
import { makeArgon2Hasher } from "./store/password-hasher-argon2.ts";

/** The service, ready. */
export type UserService = Running & { readonly address: string };

const inFlightLimit = 4096;
const beatMs = 250;
/** How long events are kept at least, and how much longer than sessions can be resumed: a session that another gateway
 * takes over at the window's end is caught up from where its own one was cut off. */
const outboxKeptMs = { least: 10 * 60_000, beyondWindow: 5 * 60_000 };
const trimEveryMs = 5_000;
const trimLimit = 5_000;

/** Starts the service; ready when it returns. */
export async function createUserService(config: UserConfig): Promise<UserService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "user", ...config }));
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const accounts = stack.use(openAccountsSqlite(config.stateDir));
  const coordinator = stack.use(createCoordinatorClient(config.coordinator, clientOptions(config, telemetry)));
  const lease = stack.use(await createWorkerLease(coordinator, { process: config.name }));
  const source = `${config.name}/${lease.incarnation}`;
  const publisher = stack.use(makePublisher({ addresses: config.routers, source, metrics: telemetry.metrics }));
  const context: UserContext = {
    accounts,
    hasher: makeArgon2Hasher(config.passwordCost),
    tokenPorts: {
      randomBytes,
      sha256: (data) => createHash("sha256").update(data).digest(),
      nowMs: () => lease.clock.nowMs(),
    },
    metrics: makeUserMetrics(telemetry.metrics),
    announcer: makeAnnouncer(source, (items) => publisher.publish(items)),
    revocations: makeRevocations(),
    nextId: () => lease.generator.next(),
    nowMs: () => Math.floor(lease.clock.nowMs()),
    backUp: (folder) => backUpDatabases([join(config.stateDir, accountsFile)], folder),
    makeSigningKey,
  };
  startChores(config, context, telemetry, stack);
  const exchange = serveExchange<UserRequest, UserReply>({
    limit: { inFlight: inFlightLimit },
    handle: (request) => observed(context, source, request, telemetry),
    metrics: telemetry.metrics,
  });
  const handlers = { exchange, watchRevocations: watchRevocations(context) };
  const server = stack.use(
    await createRpcServer({ address: config.listen, services: [[UserServiceService, handlers]] }),
  );
  telemetry.setReady(() => (publisher.connected ? true : { router: "not connected" }));
  telemetry.log.info({ address: server.address }, "ready");
  const owned = stack.move();
  return {
    address: server.address,
    metricsUrl: telemetry.metricsUrl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function clientOptions(config: UserConfig, { metrics }: Telemetry) {
  return { self: config.name, metrics };
}

async function observed(
  context: UserContext,
  source: string,
  request: UserRequest,
  telemetry: Telemetry,
): Promise<UserReply["body"]> {
  const kind = request.body?.$case ?? "none";
  const span = telemetry.startSpan(`user.${kind}`, request.traceparent);
  try {
    const body = await answer(context, source, request);
    context.metrics.requests.inc({ kind, code: "OK" });
    return body;
  } catch (error) {
    const { code, message } = toGuildhallError(error);
    context.metrics.requests.inc({ kind, code });
    if (code === "INTERNAL" || code === "STORE_UNAVAILABLE") {
      telemetry.log.error({ kind, code, err: error }, message);
    }
    throw error;
  } finally {
    span.end();
  }
}

function startChores(
  { resumeWindowMs }: UserConfig,
  context: UserContext,
  { log, metrics: registry }: Telemetry,
  stack: AsyncDisposableStack,
): void {
  stack.use(
    systemTimers.every(beatMs, () => {
      context.announcer.beat();
      context.revocations.beat();
    }),
  );
  const keptMs = Math.max(outboxKeptMs.least, resumeWindowMs + outboxKeptMs.beyondWindow);
  stack.use(
    systemTimers.every(trimEveryMs, () => {
      try {
        context.metrics.outboxTrimmed.inc(context.accounts.trimOutbox(context.nowMs() - keptMs, trimLimit));
      } catch (error) {
        log.error({ err: error }, "cannot trim the outbox");
      }
    }),
  );
  stack.use(registry.beforeRead(() => context.metrics.revocationWatchers.set(context.revocations.watchers())));
}

/** The raw public half is the last 32 bytes of an Ed25519 key's DER form. */
function makeSigningKey(): { verifyKey: string; signingKey: Uint8Array } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const verifyKey = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
  return { verifyKey, signingKey: privateKey.export({ type: "pkcs8", format: "der" }) };
}
