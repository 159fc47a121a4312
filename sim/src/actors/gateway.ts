import { GuildhallError } from "@guildhall/errors";
import {
  type Connection,
  Drain,
  type GatewayCore,
  type GatewayGuards,
  type GatewayMetrics,
  type Gateways,
  makeGatewayCore,
  makeGatewayMetrics,
  makeOwnerWatch,
  type SessionStore,
} from "@guildhall/gateway/core";
import type { GatewayReply, GatewayRequest, TopicReply, TopicRequest, UserReply, UserRequest } from "@guildhall/proto";
import type { RouterClient, UserClient } from "@guildhall/rpc";
import { makeShardMap } from "@guildhall/slots";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimSubscriber } from "../network/bus-streams.ts";
import { gatewayCodec } from "../network/codecs.ts";
import { makeSimClient, type SimClient, serveSimExchange } from "../network/exchange.ts";
import { watchMap } from "../network/map-stream.ts";
import type { Network } from "../network/network.ts";
import type { ServerEnd } from "../network/stream.ts";
import { makeFrameReader } from "./frame-reader.ts";

/** What a client's socket carries: payloads as text, or how it was closed. */
export type SocketMessage =
  | { readonly is: "payload"; readonly text: string }
  | { readonly is: "close"; readonly code: number };

/** Where a gateway finds the others. */
export interface GatewayOptions {
  readonly address: string;
  readonly coordinator: string;
  readonly users: string;
  readonly routers: readonly string[];
  /** Shared by all gateways; outlives them. */
  readonly store: SessionStore;
  readonly random: Random;
  readonly resumeWindowMs: number;
  /** What may wait for one client. */
  readonly queueBytes: number;
  readonly guards: GatewayGuards;
  readonly onCount: (what: string) => void;
  readonly onLog: (level: string, fields: object, text: string) => void;
  readonly onGateway: (gateway: SimGateway) => void;
}

/** A gateway that runs. */
export interface SimGateway {
  readonly core: GatewayCore;
  /** Sends its clients to others; resolves when it may end. */
  drain(): Promise<void>;
}

const sealMs = 1_000;
const drainDeadlineMs = 10_000;
const aloneSpreadMs = 1_000;
const batchPercent = 34;

/** Starts a gateway: the real core, on simulated ports. */
export function startGateway(network: Network, process: SimProcess, options: GatewayOptions): void {
  const { random, store, address, routers } = options;
  const { name, incarnation, clock, timers } = process;
  const randomHex = (bytes: number): string =>
    Array.from({ length: bytes }, () => random.int(256).toString(16).padStart(2, "0")).join("");
  const holder = { tag: randomHex(4), name, address };
  const own = ownStore(process, store, random);
  const core = makeGatewayCore(
    {
      settings: {
        ...{ name, gatewayUrl: "wss://sim", heartbeatIntervalMs: 20_000, rateLimits: "Off", maxSessions: 1_000 },
        resumeWindowMs: options.resumeWindowMs,
      },
      ...{ clock, timers, randomHex, store: own, holder },
      soon: (act) => timers.soon(act),
      random: random.next,
      router: makeSimClient<TopicRequest, TopicReply>(network, {
        ...{ process, address: routers[random.int(routers.length)] as string, service: "exchange" },
        blank: { topic: 0n, timeoutMs: 0 },
      }) as unknown as RouterClient,
      users: makeSimClient<UserRequest, UserReply>(network, {
        ...{ process, address: options.users, service: "exchange" },
      }) as unknown as UserClient,
      subscribe: (events) => makeSimSubscriber(network, process, routers, `${name}/${incarnation}`, events),
      gateways: makeSimGateways(network, process, own, address),
      log: makeSimLogger(options.onLog),
      metrics: makeCountingMetrics(options.onCount),
      startSpan: () => ({ traceparent: "", setAttribute() {}, fail() {}, end() {}, [Symbol.dispose]() {} }) as never,
      maxQueuedBytes: options.queueBytes,
      maxLogBytes: 16 * 1024 * 1024,
      maxStoredBytes: 16 * 1024 * 1024,
    },
    options.guards,
  );
  const map = makeShardMap();
  const onChange = makeOwnerWatch(map, (isConcerned) => core.context.bus.checkGuilds(isConcerned));
  watchMap(network, process, { coordinator: options.coordinator, map, onChange });
  const connections = new Set<Connection>();
  let isDraining = false;
  network.listen(address, process, {
    socket: (end) => (isDraining ? end.close() : acceptSocket(end, core, connections)),
    exchange: serveSimExchange<GatewayRequest, GatewayReply>(({ body }) => {
      if (body?.$case !== "sealSession") throw new GuildhallError("INVALID_FORM", "the model asks nothing else");
      const { held, index, s } = core.seal(body.value);
      return { $case: "sealSession", value: { held, index: BigInt(index), s: BigInt(s) } };
    }, gatewayCodec),
  });
  options.onGateway({
    core,
    async drain() {
      isDraining = true;
      const outlook = async () => "others" as const;
      await new Drain({
        ...{ context: core.context, connections, outlook, batchPercent, aloneSpreadMs },
        deadlineMs: drainDeadlineMs,
      }).run();
    },
  });
}

/** A client's socket, as the core writes to it. */
function acceptSocket(end: ServerEnd<unknown, unknown>, core: GatewayCore, connections: Set<Connection>): void {
  const reader = makeFrameReader((text) => end.send({ is: "payload", text } satisfies SocketMessage));
  const leave = (code: number): void => {
    if (!connections.delete(connection)) return;
    core.closed(connection, code);
  };
  const socket = {
    close(code: number) {
      end.send({ is: "close", code } satisfies SocketMessage);
      end.close();
      raw.destroyed = true;
      leave(code);
    },
    terminate() {
      end.close();
      raw.destroyed = true;
      leave(abnormal);
    },
  };
  const raw = {
    /** What the system's own buffer does not hold. */
    get writableLength() {
      const bytes = (end.underWay() as readonly SocketMessage[]).reduce(
        (sum, message) => sum + (message.is === "payload" ? message.text.length : 0),
        0,
      );
      return Math.max(0, bytes - systemBufferBytes);
    },
    destroyed: false,
    cork() {},
    uncork() {},
    write: (chunk: Buffer) => reader.take(chunk),
  };
  const connection = core.connect(socket as never, raw as never);
  connections.add(connection);
  end.start({
    onMessage(message) {
      const given = message as SocketMessage;
      if (given.is === "payload") core.receive(connection, Buffer.from(given.text));
      else leave(given.code);
    },
    onClosed: () => leave(abnormal),
  });
}

const abnormal = 1006;
const systemBufferBytes = 8 * 1024;

/** The session store as a process sees it: a dead one writes nothing, and asking takes a moment. */
function ownStore(process: SimProcess, store: SessionStore, random: Random): SessionStore {
  const slowly = async <T>(act: () => Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => void process.timers.after(0.05 + random.exponential(0.3), resolve));
    return process.acts() ? act() : new Promise<never>(() => {});
  };
  return {
    createLog(holder) {
      const log = store.createLog(holder);
      return {
        begin(segment, header) {
          if (process.acts()) log.begin(segment, header);
        },
        append(bytes) {
          if (process.acts()) log.append(bytes);
        },
        drop: (segment) => slowly(() => log.drop(segment)),
        [Symbol.dispose]: () => log[Symbol.dispose](),
      };
    },
    holder: (tag) => slowly(() => store.holder(tag)),
    read: (tag, from, maxBytes) => slowly(() => store.read(tag, from, maxBytes)),
    logs: () => slowly(() => store.logs()),
    removeLog: (tag) => slowly(() => store.removeLog(tag)),
    claim: (claim) => slowly(() => store.claim(claim)),
    claims: (sessionId) => slowly(() => store.claims(sessionId)),
    claimsOf: (origin, since) => slowly(() => store.claimsOf(origin, since)),
    origins: () => slowly(() => store.origins()),
    removeClaims: (sessionId) => slowly(() => store.removeClaims(sessionId)),
  };
}

/** The other gateways, as far as their logs name them. */
function makeSimGateways(network: Network, process: SimProcess, store: SessionStore, self: string): Gateways {
  const clients = new Map<string, SimClient<GatewayRequest, GatewayReply>>();
  return {
    async seal(tag, request) {
      const address = (await store.holder(tag))?.address;
      // Nobody there is said at once.
      if (address === undefined || address === self || network.listener(address) === undefined) return undefined;
      let client = clients.get(address);
      if (client === undefined) {
        client = makeSimClient<GatewayRequest, GatewayReply>(network, { process, address, service: "exchange" });
        clients.set(address, client);
      }
      try {
        const { held, index, s } = await client.call("sealSession", request, { timeoutMs: sealMs });
        return { held, index: Number(index), s: Number(s) };
      } catch {
        return undefined;
      }
    },
  };
}

/** Metrics that only tell what was counted. */
function makeCountingMetrics(onCount: (what: string) => void): GatewayMetrics {
  const counter = (name: string) => ({
    inc(labels?: unknown) {
      if (typeof labels === "object" && labels !== null) onCount(`${name} ${Object.values(labels).join(" ")}`);
    },
  });
  const gauge = () => ({ set() {} });
  return makeGatewayMetrics({ counter, gauge } as never);
}

function makeSimLogger(onLog: (level: string, fields: object, text: string) => void) {
  const write =
    (level: string) =>
    (fields: object | string, text = ""): void =>
      typeof fields === "string" ? onLog(level, {}, fields) : onLog(level, fields, text);
  const log = {
    ...{ debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    child: () => log,
  };
  return log as never;
}
