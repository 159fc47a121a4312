import type { Socket } from "node:net";
import { makeTopicReads } from "../clients/topic-reads.ts";
import { closeCode } from "../close-codes.ts";
import { jsonCodec } from "../codec/json.ts";
import type { GatewayContext } from "../context.ts";
import { Admission } from "../domain/admission.ts";
import { DispatchLog } from "../domain/dispatch-log.ts";
import { everyGuard, type GatewayGuards } from "../domain/guards.ts";
import { IdentifyLimit } from "../domain/identify-limit.ts";
import { Pacer } from "../domain/pacer.ts";
import { makeProfiles } from "../domain/profile.ts";
import type { Session } from "../domain/session.ts";
import { SessionTable } from "../domain/session-table.ts";
import { EventTracer } from "../domain/trace-ring.ts";
import { Ghosts } from "../log/ghosts.ts";
import { Recording } from "../log/recording.ts";
import { receive } from "../ops/receive.ts";
import { sealSession } from "../rpc/seal-session.ts";
import { Bridges } from "../session/catch-up-guild.ts";
import { CatchUps } from "../session/catch-ups.ts";
import { ClaimWatch } from "../session/claim-watch.ts";
import { closeConnection, connectionClosed, invalidate } from "../session/end.ts";
import { hello } from "../session/payloads.ts";
import { TakeOvers } from "../session/take-overs.ts";
import { applyUserChange } from "../session/user-change.ts";
import { Janitor } from "../store/janitor.ts";
import { Bus } from "../topics/bus.ts";
import { GuildTopics } from "../topics/guild-topics.ts";
import { UserTopics } from "../topics/user-topics.ts";
import { Connection } from "../transport/connection.ts";
import { Flusher, type SentCounts } from "../transport/flusher.ts";
import type { GatewaySocket } from "../transport/gateway-socket.ts";
import type { GatewayCorePorts, Sealed, SealRequest } from "./ports.ts";

/** A gateway without its sockets. */
export interface GatewayCore extends Disposable {
  readonly context: GatewayContext;
  readonly flusher: Flusher;
  /** Opens a connection of version 10 with plain JSON; it is sent HELLO. */
  connect(socket: GatewaySocket, raw: Socket): Connection;
  /** A payload has come in. */
  receive(connection: Connection, data: Buffer): void;
  /** The socket has gone, with this code. */
  closed(connection: Connection, code: number): void;
  /** Another gateway has claimed a session. */
  seal(request: SealRequest): Sealed;
}

const maxIdentifiesAtOnce = 128;
const identifyEveryMs = 5_000;
const defaultQueueBytes = 4 * 1024 * 1024;
const defaultLogBytes = 128 * 1024 * 1024;
const defaultStoredBytes = 512 * 1024 * 1024;
const defaultCheckpointMs = 5_000;
const tickMs = 500;
const claimsEveryMs = 5_000;
const janitorEveryMs = 30_000;
// Takeovers that have begun in time may read the log of a dead gateway for so much longer.
const deadLogSlackMs = 60_000;
// What may be done for sessions of other gateways in one turn of the event loop: so many dispatches, and so long.
const paced = { unitsPerTurn: 2_000, msPerTurn: 4 };
// A session is resumed from the last checkpoint before what its client has, which is older than its end.
const logSlackMs = 30_000;

/** Makes a gateway of what it is given; the clock runs until it is disposed. */
export function makeGatewayCore(ports: GatewayCorePorts, guards: GatewayGuards = everyGuard): GatewayCore {
  const { clock, settings } = ports;
  const stack = new DisposableStack();
  const sent: SentCounts = { dispatches: 0, bytes: 0 };
  const context = makeContext(ports, guards, stack, sent);
  const flusher = makeFlusher(ports, context, sent);
  runClock(ports, context, stack);
  const nowMs = () => clock.monotonicMs();
  return {
    context,
    flusher,
    connect(socket, raw) {
      const connection = new Connection(
        socket,
        raw,
        { version: 10, codec: jsonCodec, context: undefined, encoding: "json" },
        flusher,
        nowMs(),
      );
      connection.control(hello(settings.heartbeatIntervalMs));
      return connection;
    },
    receive: (connection, data) => receive(context, connection, data),
    closed: (connection, code) => connectionClosed(context, connection, code),
    seal(request) {
      const { held, index, s } = sealSession(context, request);
      return { held, index: Number(index), s: Number(s) };
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

function makeContext(
  ports: GatewayCorePorts,
  guards: GatewayGuards,
  stack: DisposableStack,
  sent: SentCounts,
): GatewayContext {
  const { settings, log, metrics, clock, timers, router, users, store, holder, startSpan } = ports;
  const windowMs = settings.resumeWindowMs;
  const maxBytes = ports.maxLogBytes ?? defaultLogBytes;
  const dispatchLog = new DispatchLog({ windowMs: windowMs + logSlackMs, maxBytes });
  const profiles = makeProfiles();
  const recording = stack.use(makeRecording(ports, dispatchLog));
  const ghosts = new Ghosts({
    store,
    timers,
    clock,
    profiles,
    windowMs,
    onDamage: (damage) => sayDamage(ports, damage),
  });
  const reads = makeTopicReads(router, users);
  const bus = stack.use(
    new Bus(
      {
        reads,
        clock,
        timers,
        log,
        startSpan,
        onEncoded: (dispatches) => metrics.events.inc(dispatches),
        onRefilled: (result) => metrics.refills.inc({ result }),
        observer: makeTracer(ports, sent),
      },
      guards,
    ),
  );
  const subscriber = ports.subscribe({ onItems: (items) => bus.take(items), onLost: () => bus.checkAll() });
  const onLost = (sessions: Iterable<Session>): void => {
    metrics.topicsLost.inc();
    for (const session of sessions) invalidate(context, session);
  };
  const topics = { log: dispatchLog, writer: recording, clock, onLost, bus, subscriber };
  const context: GatewayContext = {
    ...{ config: settings, log, metrics, clock, timers, random: ports.random, router, users, reads, bus, dispatchLog },
    ...{ writer: recording, recording, profiles, store, holder, gateways: ports.gateways, ghosts, guards },
    ...{
      bridges: new Bridges(),
      takeOvers: new TakeOvers(),
      catchUps: new CatchUps(),
      claimWatch: new ClaimWatch(holder.tag),
    },
    pacer: new Pacer({ ...paced, nowMs: () => clock.monotonicMs(), soon: (act) => void timers.after(0, act) }),
    newSessionId: () => holder.tag + ports.randomHex(16),
    sessions: new SessionTable({
      log: dispatchLog,
      writer: recording,
      windowMs,
      // As many again as may be connected: all of them may lose their connections at once.
      maxSessions: settings.maxSessions * 2,
      nowMs: () => clock.monotonicMs(),
    }),
    guildTopics: new GuildTopics(
      { ...topics, router, reads, timers, onJoined: (result) => metrics.joins.inc({ result }) },
      guards,
    ),
    userTopics: new UserTopics({
      ...topics,
      onChange: (sessions, change) => applyUserChange(context, sessions, change),
    }),
    admission: new Admission({ maxRunning: maxIdentifiesAtOnce, maxWaiting: settings.maxSessions }),
    identifyLimit: new IdentifyLimit(identifyEveryMs),
  };
  recording.follow({ topics: context.guildTopics, sessions: context.sessions });
  return context;
}

function makeRecording(ports: GatewayCorePorts, dispatchLog: DispatchLog): Recording {
  const { store, holder, clock, soon, settings, log, metrics } = ports;
  return new Recording({
    ...{ store, holder, clock, soon, log: dispatchLog, windowMs: settings.resumeWindowMs },
    maxBytes: ports.maxStoredBytes ?? defaultStoredBytes,
    onState(isWriting, err) {
      metrics.hereOnly.set(isWriting ? 0 : 1);
      if (isWriting) log.info("the session log is written; other gateways can go on with its sessions");
      else log.error({ err }, "the session log cannot be written; sessions can be resumed here only");
    },
  });
}

function sayDamage({ log, metrics }: GatewayCorePorts, damage: { readonly reason: string }): void {
  metrics.logDamage.inc();
  log.error(damage, "the session log of another gateway is damaged; it is used up to there");
}

function makeTracer({ traces, clock }: GatewayCorePorts, sent: SentCounts): EventTracer | undefined {
  if (traces === undefined) return undefined;
  return new EventTracer({ ring: traces, nowMs: () => clock.nowMs(), dispatched: () => sent.dispatches });
}

/** A client that does not read loses its connection, and may resume. */
function makeFlusher(
  { soon, maxQueuedBytes = defaultQueueBytes }: GatewayCorePorts,
  context: GatewayContext,
  sent: SentCounts,
): Flusher {
  return new Flusher({
    sent,
    maxQueuedBytes,
    soon,
    beforeWrite: () => context.recording.flush(),
    onOverLimit: (connection) => {
      context.metrics.slowReaders.inc();
      closeConnection(context, connection, closeCode.UNKNOWN_ERROR);
      connection.abandon();
    },
  });
}

function makeJanitor({ store, holder, config, clock, sessions }: GatewayContext): Janitor {
  return new Janitor({
    store,
    ownTag: holder.tag,
    keepMs: config.resumeWindowMs + deadLogSlackMs,
    nowMs: () => clock.nowMs(),
    has: (sessionId) => sessions.get(sessionId) !== undefined,
  });
}

/** What is done again and again. */
function runClock(ports: GatewayCorePorts, context: GatewayContext, stack: DisposableStack): void {
  const { timers, clock, sessions, dispatchLog, recording, ghosts, guildTopics, userTopics } = context;
  stack.use(
    timers.every(tickMs, () => {
      sessions.expire();
      recording.tick();
      ghosts.expire();
    }),
  );
  stack.use(timers.every(claimsEveryMs, () => void context.claimWatch.look(context)));
  const janitor = makeJanitor(context);
  const clean = (): void => {
    janitor.round().catch((error: unknown) => context.log.debug({ err: error }, "old session logs were not removed"));
  };
  stack.use(timers.every(janitorEveryMs, clean));
  stack.use(
    timers.every(ports.checkpointMs ?? defaultCheckpointMs, () => {
      dispatchLog.expire(clock.monotonicMs());
      sessions.checkpoint();
      guildTopics.tidy();
      userTopics.tidy();
    }),
  );
}
