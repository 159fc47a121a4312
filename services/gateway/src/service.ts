import { randomBytes, randomUUID } from "node:crypto";
import { type Clock, type Running, systemClock, systemTimers, type Timers } from "@guildhall/lifecycle";
import { createRouterClient, createUserClient, makeSubscriber } from "@guildhall/rpc";
import { createTelemetry, type Telemetry } from "@guildhall/telemetry";
import { makeTopicReads } from "./clients/topic-reads.ts";
import { type CloseCode, closeCode } from "./close-codes.ts";
import { makeDeflater } from "./codec/deflate.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayContext } from "./context.ts";
import { Admission } from "./domain/admission.ts";
import { DispatchLog } from "./domain/dispatch-log.ts";
import { IdentifyLimit } from "./domain/identify-limit.ts";
import { makeProfiles } from "./domain/profile.ts";
import { SessionTable } from "./domain/session-table.ts";
import { drainConnections } from "./drain.ts";
import { type GatewayMetrics, makeGatewayMetrics } from "./events.ts";
import { receive, receivePing } from "./ops/receive.ts";
import { closeConnection, connectionClosed, invalidate } from "./session/end.ts";
import { hello } from "./session/payloads.ts";
import { applyUserChange } from "./session/user-change.ts";
import { Bus } from "./topics/bus.ts";
import { GuildTopics } from "./topics/guild-topics.ts";
import { UserTopics } from "./topics/user-topics.ts";
import { Flusher } from "./transport/flusher.ts";
import { FrontDoor } from "./transport/front-door.ts";
import { createGatewayServer } from "./transport/web-socket-server.ts";

/** What tests put in place of the usual. */
export interface GatewayOverrides {
  readonly maxQueuedBytes?: number;
  readonly maxLogBytes?: number;
  readonly checkpointMs?: number;
  readonly drainSpreadMs?: number;
}

/** A running gateway. */
export interface GatewayService extends Running {
  readonly ports: { readonly ws: number; readonly own: number };
  readonly metricsUrl: string;
  drain(): Promise<void>;
}

const maxIdentifiesAtOnce = 128;
const identifyEveryMs = 5_000;
const defaultQueueBytes = 4 * 1024 * 1024;
const defaultLogBytes = 128 * 1024 * 1024;
const defaultCheckpointMs = 5_000;
const tickMs = 500;
// A session is resumed from the last checkpoint before what its client has, which is older than its end.
const logSlackMs = 30_000;

/** Starts a gateway: it accepts connections when this resolves. */
export async function createGatewayService(
  config: GatewayConfig,
  overrides: GatewayOverrides = {},
): Promise<GatewayService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "gateway", ...config }));
  const metrics = makeGatewayMetrics(telemetry.metrics);
  const core = makeCore(config, overrides, telemetry, metrics, stack);
  const { context, flusher } = core;
  const door = makeDoor(context, flusher, metrics);
  const server = stack.use(
    await createGatewayServer({
      host: config.host,
      port: config.port,
      ownPort: config.ownPort,
      hasRoom: () => door.connections.size < config.maxSessions,
      onUpgrade: (upgrade) => door.enter(upgrade),
      onRefused: (reason) => metrics.refused.inc({ reason }),
    }),
  );
  stack.defer(() => {
    for (const connection of door.connections) connection.abandon();
  });
  stack.use(runClock(context, door, overrides.checkpointMs ?? defaultCheckpointMs));
  stack.use(telemetry.metrics.beforeRead(() => showState(context, door, flusher)));
  telemetry.setReady();
  const owned = stack.move();
  return {
    metricsUrl: telemetry.metricsUrl,
    ports: { ws: server.port, own: server.ownPort },
    async drain() {
      server.stopAccepting();
      await drainConnections({
        connections: door.connections,
        timers: context.timers,
        random: context.random,
        spreadMs: overrides.drainSpreadMs ?? 2_000,
        graceMs: 1_000,
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Core {
  readonly context: GatewayContext;
  readonly flusher: Flusher;
}

/** Everything but the sockets. */
function makeCore(
  config: GatewayConfig,
  overrides: GatewayOverrides,
  telemetry: Telemetry,
  metrics: GatewayMetrics,
  stack: AsyncDisposableStack,
): Core {
  const [clock, timers]: [Clock, Timers] = [systemClock, systemTimers];
  const rpc = { self: config.name, metrics: telemetry.metrics };
  const router = stack.use(createRouterClient(config.routers[0] ?? "", rpc));
  const users = stack.use(createUserClient(config.users[0] ?? "", rpc));
  const reads = makeTopicReads(router, users);
  const log = telemetry.log;
  const nowMs = () => clock.monotonicMs();
  const windowMs = config.resumeWindowMs;
  const dispatchLog = new DispatchLog({
    windowMs: windowMs + logSlackMs,
    maxBytes: overrides.maxLogBytes ?? defaultLogBytes,
  });
  const bus = stack.use(
    new Bus({
      reads,
      clock,
      timers,
      log,
      onEncoded: (dispatches) => metrics.events.inc(dispatches),
      onRefilled: (result) => metrics.refills.inc({ result }),
    }),
  );
  const subscriber = stack.use(
    makeSubscriber({
      addresses: config.routers,
      subscriber: `${config.name}/${randomUUID()}`,
      onItems: (items) => bus.take(items),
      onLost: () => bus.checkAll(),
      metrics: telemetry.metrics,
    }),
  );
  const onLost = (sessions: Iterable<Parameters<typeof invalidate>[1]>): void => {
    metrics.topicsLost.inc();
    for (const session of sessions) invalidate(context, session);
  };
  const topics = { log: dispatchLog, bus, subscriber, clock, onLost };
  const context: GatewayContext = {
    config,
    log,
    metrics,
    clock,
    timers,
    random: Math.random,
    newSessionId: () => randomBytes(16).toString("hex"),
    router,
    users,
    dispatchLog,
    sessions: new SessionTable({ log: dispatchLog, windowMs, nowMs }),
    profiles: makeProfiles(),
    guildTopics: new GuildTopics({
      ...topics,
      router,
      reads,
      timers,
      onJoined: (result) => metrics.joins.inc({ result }),
    }),
    userTopics: new UserTopics({
      ...topics,
      onChange: (sessions, change) => applyUserChange(context, sessions, change),
    }),
    admission: new Admission({ maxRunning: maxIdentifiesAtOnce, maxWaiting: config.maxSessions }),
    identifyLimit: new IdentifyLimit(identifyEveryMs),
  };
  const flusher = new Flusher({
    maxQueuedBytes: overrides.maxQueuedBytes ?? defaultQueueBytes,
    soon: (act) => void setImmediate(act),
    onOverLimit: (connection) => {
      metrics.shed.inc();
      closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
      connection.abandon();
    },
  });
  return { context, flusher };
}

function makeDoor(context: GatewayContext, flusher: Flusher, metrics: GatewayMetrics): FrontDoor {
  const { config, clock } = context;
  return new FrontDoor({
    flusher,
    deflater: makeDeflater(() => metrics.deflateCalls.inc()),
    maxContexts: config.zstdContexts,
    heartbeatIntervalMs: config.heartbeatIntervalMs,
    hello: hello(config.heartbeatIntervalMs),
    nowMs: () => clock.monotonicMs(),
    onMessage: (connection, data) => receive(context, connection, data),
    onPing: (connection) => receivePing(context, connection),
    onClosed: (connection, code) => connectionClosed(context, connection, code),
    onRefused: (connection, code: CloseCode) => closeConnection(context, connection, code),
  });
}

/** What is done again and again. */
function runClock(context: GatewayContext, door: FrontDoor, checkpointMs: number): Disposable {
  const { timers, clock, sessions, dispatchLog, guildTopics, userTopics } = context;
  const stack = new DisposableStack();
  stack.use(
    timers.every(tickMs, () => {
      door.watch();
      sessions.expire();
    }),
  );
  stack.use(
    timers.every(checkpointMs, () => {
      dispatchLog.expire(clock.monotonicMs());
      sessions.checkpoint();
      guildTopics.tidy();
      userTopics.tidy();
    }),
  );
  return stack;
}

/** Copies into the metrics what is cheaper to read then than to keep. */
function showState(context: GatewayContext, door: FrontDoor, flusher: Flusher): void {
  const { metrics, sessions, dispatchLog, guildTopics, userTopics, admission } = context;
  metrics.connections.set(door.connections.size);
  metrics.sessions.set({ state: "connected" }, sessions.count - sessions.cutCount);
  metrics.sessions.set({ state: "cut" }, sessions.cutCount);
  metrics.topics.set({ kind: "guild" }, guildTopics.count);
  metrics.topics.set({ kind: "user" }, userTopics.count);
  metrics.views.set(guildTopics.viewCount());
  metrics.logBytes.set(dispatchLog.bytes);
  metrics.logRecords.set(dispatchLog.length);
  metrics.admissionQueue.set(admission.waiting);
  const { sent } = flusher;
  metrics.dispatches.inc(sent.dispatches);
  metrics.bytes.inc(sent.bytes);
  sent.dispatches = 0;
  sent.bytes = 0;
}
