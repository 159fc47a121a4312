import { GuildhallError } from "@guildhall/errors";
import { type HandedSockets, type Running, systemClock, systemTimers } from "@guildhall/lifecycle";
import { GatewayServiceService } from "@guildhall/proto";
import { createRpcServer } from "@guildhall/rpc";
import { createTelemetry } from "@guildhall/telemetry";
import { makeGateways } from "./clients/gateways.ts";
import { watchOwners } from "./clients/map-watch.ts";
import type { CloseCode } from "./close-codes.ts";
import { makeDeflater } from "./codec/deflate.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayContext } from "./context.ts";
import { makeProcessCore, newTag } from "./core.ts";
import { TraceRing } from "./domain/trace-ring.ts";
import { Drain, type Outlook } from "./drain.ts";
import { type GatewayMetrics, makeGatewayMetrics } from "./events.ts";
import { receive, receivePing } from "./ops/receive.ts";
import { makeExchange } from "./rpc/exchange.ts";
import { closeConnection, connectionClosed } from "./session/end.ts";
import { hello } from "./session/payloads.ts";
import { FileSessionStore } from "./store/session-store-files.ts";
import type { Flusher } from "./transport/flusher.ts";
import { FrontDoor } from "./transport/front-door.ts";
import { createGatewayServer, type GatewayServer } from "./transport/web-socket-server.ts";

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
  readonly address: string;
  /** `ws` is not there while the parent holds that port. */
  readonly ports: { readonly own: number; readonly ws?: number };
  readonly metricsUrl: string;
  drain(): Promise<void>;
}

const tickMs = 500;
const aloneSpreadMs = 2_000;
// Beyond the drain's deadline: what remains to be closed then.
const closingMs = 10_000;

/** Starts a gateway: it accepts connections when this resolves. */
export async function createGatewayService(
  config: GatewayConfig,
  overrides: GatewayOverrides = {},
): Promise<GatewayService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "gateway", ...config }));
  const metrics = makeGatewayMetrics(telemetry.metrics);
  const store = new FileSessionStore(config.sessionsDir);
  const holder = { tag: newTag(), name: config.name, address: config.address ?? config.listen };
  const time = { clock: systemClock, timers: systemTimers };
  const gateways = stack.use(makeGateways({ store, self: holder, log: telemetry.log, ...time }));
  const traces = new TraceRing();
  const parts = { ...overrides, config, telemetry, metrics, stack, store, holder, gateways, traces };
  const { context, flusher } = makeProcessCore(parts);
  const door = makeDoor(config, context, flusher);
  let draining: Promise<void> | undefined;
  const exchange = makeExchange(
    { gateway: context, traces, isDraining: () => draining !== undefined },
    telemetry.metrics,
  );
  const services = [[GatewayServiceService, { exchange }]] as const;
  const rpc = stack.use(await createRpcServer({ address: config.listen, services }));
  stack.use(
    watchOwners({ address: config.coordinator, name: config.name, onNewOwner: (is) => context.bus.checkGuilds(is) }),
  );
  const handedSockets = handedSocketsFor(config, overrides);
  const server = stack.use(await listen(config, { door, handedSockets, metrics }));
  stack.defer(() => {
    for (const connection of door.connections) connection.abandon();
  });
  stack.use(context.timers.every(tickMs, () => door.watch()));
  stack.use(telemetry.metrics.beforeRead(() => showState(context, door, flusher)));
  telemetry.setReady(() => (draining === undefined ? true : { gateway: "draining" }));
  const outlook = async (): Promise<Outlook> => {
    if (handedSockets?.isPortClosed) return "nobody";
    return (await gateways.isOtherServing()) ? "others" : "successor";
  };
  const owned = stack.move();
  return {
    address: rpc.address,
    metricsUrl: telemetry.metricsUrl,
    ports: { own: server.ownPort, ...(server.port !== undefined && { ws: server.port }) },
    stopWithinMs: config.drainDeadlineMs + closingMs,
    drain() {
      draining ??= drain({ config, overrides, context, door, server, outlook });
      return draining;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface DrainParts {
  readonly config: GatewayConfig;
  readonly overrides: GatewayOverrides;
  readonly context: GatewayContext;
  readonly door: FrontDoor;
  readonly server: GatewayServer;
  readonly outlook: () => Promise<Outlook>;
}

async function drain({ config, overrides, context, door, server, outlook }: DrainParts): Promise<void> {
  server.stopAccepting();
  const drain = new Drain({
    ...{ context, connections: door.connections, outlook },
    batchPercent: config.drainBatchPercent,
    deadlineMs: config.drainDeadlineMs,
    aloneSpreadMs: overrides.drainSpreadMs ?? aloneSpreadMs,
  });
  await drain.run();
}

interface ServerParts {
  readonly door: FrontDoor;
  readonly handedSockets: HandedSockets | undefined;
  readonly metrics: GatewayMetrics;
}

function listen(config: GatewayConfig, { door, handedSockets, metrics }: ServerParts): Promise<GatewayServer> {
  const { host, port, ownPort, maxSessions } = config;
  return createGatewayServer({
    ...{ host, port, ownPort, handedSockets },
    hasRoom: () => door.connections.size < maxSessions,
    onUpgrade: (upgrade) => door.enter(upgrade),
    onHanded: () => metrics.handed.inc(),
    onRefused: (reason) => metrics.refused.inc({ reason }),
  });
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
  const { metrics, sessions, dispatchLog, guildTopics, userTopics, admission, recording, ghosts } = context;
  metrics.connections.set(door.connections.size);
  metrics.sessions.set({ state: "connected" }, sessions.count - sessions.cutCount);
  metrics.sessions.set({ state: "cut" }, sessions.cutCount);
  metrics.topics.set({ kind: "guild" }, guildTopics.count);
  metrics.topics.set({ kind: "user" }, userTopics.count);
  metrics.views.set(guildTopics.viewCount());
  metrics.logBytes.set(dispatchLog.bytes);
  metrics.storedLogBytes.set(recording.bytes);
  metrics.ghostBytes.set(ghosts.bytes);
  metrics.logRecords.set(dispatchLog.length);
  metrics.admissionQueue.set(admission.waiting);
  const { sent } = flusher;
  metrics.dispatches.inc(sent.dispatches);
  metrics.bytes.inc(sent.bytes);
  sent.dispatches = 0;
  sent.bytes = 0;
}
