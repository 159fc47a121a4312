import { GuildhallError } from "@guildhall/errors";
import type { HandedSockets, Running } from "@guildhall/lifecycle";
import { createTelemetry } from "@guildhall/telemetry";
import type { CloseCode } from "./close-codes.ts";
import { makeDeflater } from "./codec/deflate.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayContext } from "./context.ts";
import { makeProcessCore, newTag } from "./core.ts";
import { drainConnections } from "./drain.ts";
import { makeGatewayMetrics } from "./events.ts";
import { receive, receivePing } from "./ops/receive.ts";
import { closeConnection, connectionClosed } from "./session/end.ts";
import { hello } from "./session/payloads.ts";
import { FileSessionStore } from "./store/session-store-files.ts";
import type { Flusher } from "./transport/flusher.ts";
import { FrontDoor } from "./transport/front-door.ts";
import { createGatewayServer } from "./transport/web-socket-server.ts";

/** What its process has for it, and what tests put in place of the usual. */
export interface GatewayOverrides {
  /** Connections that the parent accepts. */
  readonly handedSockets?: HandedSockets | undefined;
  readonly maxQueuedBytes?: number;
  readonly maxLogBytes?: number;
  readonly checkpointMs?: number;
  readonly drainSpreadMs?: number;
}

/** A running gateway. */
export interface GatewayService extends Running {
  /** `ws` is not there while the parent holds that port. */
  readonly ports: { readonly own: number; readonly ws?: number };
  readonly metricsUrl: string;
  drain(): Promise<void>;
}

const tickMs = 500;

/** Starts a gateway: it accepts connections when this resolves. */
export async function createGatewayService(
  config: GatewayConfig,
  overrides: GatewayOverrides = {},
): Promise<GatewayService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "gateway", ...config }));
  const metrics = makeGatewayMetrics(telemetry.metrics);
  const { context, flusher } = makeProcessCore({
    ...overrides,
    config,
    telemetry,
    metrics,
    stack,
    store: new FileSessionStore(config.sessionsDir),
    holder: { tag: newTag(), name: config.name, address: "" },
    gateways: { seal: async () => undefined },
  });
  const door = makeDoor(config, context, flusher);
  const server = stack.use(
    await createGatewayServer({
      host: config.host,
      port: config.port,
      ownPort: config.ownPort,
      handedSockets: handedSocketsFor(config, overrides),
      hasRoom: () => door.connections.size < config.maxSessions,
      onUpgrade: (upgrade) => door.enter(upgrade),
      onHanded: () => metrics.handed.inc(),
      onRefused: (reason) => metrics.refused.inc({ reason }),
    }),
  );
  stack.defer(() => {
    for (const connection of door.connections) connection.abandon();
  });
  stack.use(context.timers.every(tickMs, () => door.watch()));
  stack.use(telemetry.metrics.beforeRead(() => showState(context, door, flusher)));
  telemetry.setReady();
  const owned = stack.move();
  return {
    metricsUrl: telemetry.metricsUrl,
    ports: { own: server.ownPort, ...(server.port !== undefined && { ws: server.port }) },
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

function handedSocketsFor(
  { isFromParent }: GatewayConfig,
  { handedSockets }: GatewayOverrides,
): HandedSockets | undefined {
  if (!isFromParent) return undefined;
  if (handedSockets !== undefined) return handedSockets;
  throw new GuildhallError(
    "BAD_CONFIG",
    "GUILDHALL_WS_FROM_PARENT is set, but there is no parent to hand sockets over",
  );
}

function makeDoor(config: GatewayConfig, context: GatewayContext, flusher: Flusher): FrontDoor {
  const { clock, metrics } = context;
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
