import { randomUUID } from "node:crypto";
import { type Running, systemTimers } from "@guildhall/lifecycle";
import { GuildServiceService } from "@guildhall/proto";
import {
  createCoordinatorClient,
  createDataClient,
  createRpcServer,
  createUserClient,
  createWorkerLease,
  makePublisher,
  type WorkerLease,
  watchShardMap,
} from "@guildhall/rpc";
import { makeShardMap, type ShardMap } from "@guildhall/slots";
import { createTelemetry, type Telemetry } from "@guildhall/telemetry";
import { makeCoordinator } from "./clients/coordinator.ts";
import { makeDirectory, makeJournal, makeStore } from "./clients/data.ts";
import { makeMemberships } from "./clients/memberships.ts";
import { makePeers } from "./clients/peers.ts";
import { makeStatistics } from "./clients/statistics.ts";
import type { GuildConfig } from "./config.ts";
import { makeHost } from "./domain/hosting/host.ts";
import { defaultLimits } from "./domain/hosting/host-config.ts";
import type { Bus, HostPorts, Timers } from "./domain/ports.ts";
import { type GuildEvents, makeGuildEvents } from "./events.ts";
import { makeExchange } from "./rpc/exchange.ts";
import { makeHandoff } from "./rpc/handoff.ts";

/** A host of guilds that serves. */
export interface GuildService extends Running {
  readonly address: string;
}

const timers: Timers = {
  ...systemTimers,
  soon: (work) => {
    setImmediate(work);
  },
};

/** Starts a host. It answers NotOwner until the coordinator has given it something to own, and is ready from then on. */
export async function createGuildService(config: GuildConfig, stopping?: AbortSignal): Promise<GuildService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "guild", ...config }));
  const { metrics, log } = telemetry;
  const events = makeGuildEvents(telemetry);
  const options = { self: config.name, metrics };
  const coordinator = stack.use(createCoordinatorClient(config.coordinator, options));
  const incarnation = randomUUID();
  const lease = stack.use(
    await createWorkerLease(coordinator, {
      process: config.name,
      incarnation,
      ...(stopping === undefined ? {} : { signal: stopping }),
    }),
  );
  const ports: HostPorts = {
    ...makeDataPorts(config, telemetry, stack),
    coordinator: makeCoordinator(coordinator),
    peers: stack.use(makePeers(options)),
    ownerMap: watchOwners(config, stack),
    statistics: makeStatistics(),
    bus: makeBus(config, incarnation, telemetry, stack),
    ...portsOf(lease, events),
  };
  const limits = { ...defaultLimits, resumeWindowMs: config.resumeWindowMs };
  const { listen, address = listen } = config;
  const host = stack.use(makeHost(ports, { ...config, address, incarnation, limits }));
  events.show(host);
  const context = { host, events, telemetry };
  const implementation = { exchange: makeExchange(context), handoff: makeHandoff(context) };
  const server = stack.use(
    await createRpcServer({ address: listen, services: [[GuildServiceService, implementation]] }),
  );
  telemetry.setReady(() => (host.ready ? true : { shards: "none owned yet" }));
  log.info({ address: server.address, incarnation }, "serving");
  const owned = stack.move();
  return {
    address: server.address,
    metricsUrl: telemetry.metricsUrl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function makeDataPorts(config: GuildConfig, { metrics }: Telemetry, stack: AsyncDisposableStack) {
  const options = { self: config.name, metrics };
  const data = stack.use(createDataClient(config.data, options));
  const users = config.users.map((address) => stack.use(createUserClient(address, options)));
  return {
    journal: makeJournal(data),
    store: makeStore(data),
    directory: makeDirectory(data),
    memberships: makeMemberships(users),
  };
}

/** Who owns what, as the coordinator publishes it. */
function watchOwners({ coordinator, name }: GuildConfig, stack: AsyncDisposableStack): ShardMap {
  const map = makeShardMap();
  stack.use(watchShardMap({ address: coordinator, watcher: name, map }));
  return map;
}

function makeBus(config: GuildConfig, incarnation: string, { metrics }: Telemetry, stack: AsyncDisposableStack): Bus {
  const source = `${config.name}/${incarnation}`;
  return stack.use(makePublisher({ addresses: config.routers, source, metrics }));
}

function portsOf({ clock, generator }: WorkerLease, reporter: GuildEvents) {
  return { clock, ids: generator, timers, reporter };
}
