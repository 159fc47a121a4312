import { randomBytes, randomUUID } from "node:crypto";
import { type Clock, systemClock, systemTimers, type Timers } from "@guildhall/lifecycle";
import { createRouterClient, createUserClient, makeSubscriber } from "@guildhall/rpc";
import type { Telemetry } from "@guildhall/telemetry";
import { makeTopicReads } from "./clients/topic-reads.ts";
import { closeCode } from "./close-codes.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayContext } from "./context.ts";
import { Admission } from "./domain/admission.ts";
import { DispatchLog } from "./domain/dispatch-log.ts";
import { IdentifyLimit } from "./domain/identify-limit.ts";
import { makeProfiles } from "./domain/profile.ts";
import type { Session } from "./domain/session.ts";
import { SessionTable } from "./domain/session-table.ts";
import type { GatewayMetrics } from "./events.ts";
import { closeConnection, invalidate } from "./session/end.ts";
import { applyUserChange } from "./session/user-change.ts";
import { Bus } from "./topics/bus.ts";
import { GuildTopics } from "./topics/guild-topics.ts";
import { UserTopics } from "./topics/user-topics.ts";
import { Flusher } from "./transport/flusher.ts";

/** What a gateway is made with, besides its settings. */
export interface CoreParts {
  readonly config: GatewayConfig;
  readonly telemetry: Telemetry;
  readonly metrics: GatewayMetrics;
  /** Takes what is to be closed in the end. */
  readonly stack: AsyncDisposableStack;
  /** Default 128 MiB. */
  readonly maxLogBytes?: number | undefined;
}

const maxIdentifiesAtOnce = 128;
const identifyEveryMs = 5_000;
const defaultQueueBytes = 4 * 1024 * 1024;
const defaultLogBytes = 128 * 1024 * 1024;
// A session is resumed from the last checkpoint before what its client has, which is older than its end.
const logSlackMs = 30_000;

/** Makes everything but the sockets. */
export function makeContext({ config, telemetry, metrics, stack, maxLogBytes }: CoreParts): GatewayContext {
  const [clock, timers]: [Clock, Timers] = [systemClock, systemTimers];
  const { log } = telemetry;
  const windowMs = config.resumeWindowMs;
  const dispatchLog = new DispatchLog({
    windowMs: windowMs + logSlackMs,
    maxBytes: maxLogBytes ?? defaultLogBytes,
  });
  const links = connect({ config, telemetry, metrics, stack }, { clock, timers });
  const { router, users, reads } = links;
  const onLost = (sessions: Iterable<Session>): void => {
    metrics.topicsLost.inc();
    for (const session of sessions) invalidate(context, session);
  };
  const topics = { log: dispatchLog, clock, onLost, bus: links.bus, subscriber: links.subscriber };
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
    sessions: new SessionTable({
      log: dispatchLog,
      windowMs,
      // As many again as may be connected: all of them may lose their connections at once.
      maxSessions: config.maxSessions * 2,
      nowMs: () => clock.monotonicMs(),
    }),
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
  return context;
}

/** The ways to the other processes. */
function connect({ config, telemetry, metrics, stack }: CoreParts, time: { clock: Clock; timers: Timers }) {
  const rpc = { self: config.name, metrics: telemetry.metrics };
  const router = stack.use(createRouterClient(config.routers[0] ?? "", rpc));
  const users = stack.use(createUserClient(config.users[0] ?? "", rpc));
  const reads = makeTopicReads(router, users);
  const bus = stack.use(
    new Bus({
      ...time,
      reads,
      log: telemetry.log,
      startSpan: telemetry.startSpan,
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
  return { router, users, reads, bus, subscriber };
}

/** Makes the flusher: a client that does not read loses its connection, and may resume. */
export function makeFlusher(context: GatewayContext, maxQueuedBytes = defaultQueueBytes): Flusher {
  return new Flusher({
    maxQueuedBytes,
    soon: (act) => void setImmediate(act),
    onOverLimit: (connection) => {
      context.metrics.slowReaders.inc();
      closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
      connection.abandon();
    },
  });
}
