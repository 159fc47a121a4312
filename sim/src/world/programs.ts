import { everyGuard } from "@guildhall/gateway/core";
import { startApi } from "../actors/api.ts";
import { startCoordinator } from "../actors/coordinator.ts";
import { startData } from "../actors/data.ts";
import { startGateway } from "../actors/gateway.ts";
import { startHost } from "../actors/host.ts";
import { startLog } from "../actors/log.ts";
import { plainSpec, startOperator } from "../actors/operator.ts";
import { startRouter } from "../actors/router.ts";
import { startScriptedCoordinator } from "../actors/scripted-coordinator.ts";
import { startUser } from "../actors/user.ts";
import { addressOf } from "./address.ts";
import type { World } from "./world.ts";

const handoffResults: Readonly<Record<number, string>> = { 1: "done", 2: "taken back", 3: "refused" };
const fewBytes = 24 * 1024;
const resumeWindowMs = 120_000;

/** Starts every process of a world on its machine. */
export function startPrograms(world: World): void {
  const { options, machines, network, disk, weather } = world;
  machines.install("data-0", (process) => startData(network, process, { address: addressOf("data-0"), disk, weather }));
  if (world.logAt !== undefined) {
    const address = addressOf("log-0");
    machines.install("log-0", (process) => startLog(network, process, { address, disk: world.log, weather }));
  }
  installCoordinator(world);
  const routers = world.namesOf("router", options.routers).map(addressOf);
  machines.install("user-0", (process) =>
    startUser(network, process, { address: addressOf("user-0"), routers, disk: world.accounts }),
  );
  for (const name of world.namesOf("router", options.routers)) installRouter(world, name);
  for (const name of world.namesOf("guild", options.hosts)) installHost(world, name, routers);
  for (const name of world.namesOf("api", options.apis)) installApi(world, name, routers);
  for (const name of world.namesOf("gateway", options.gateways ?? 0)) installGateway(world, name, routers);
}

function installCoordinator(world: World): void {
  const { options, machines, network } = world;
  const { script, shards } = options;
  const address = addressOf("coordinator-0");
  const hosts = world.namesOf("guild", options.hosts);
  if (script !== undefined) {
    machines.install("coordinator-0", (process) => startScriptedCoordinator(network, process, { address, script }));
    return;
  }
  machines.install("coordinator-0", (process) =>
    startCoordinator(network, process, {
      ...{ address, data: addressOf("data-0"), shards, hosts, store: world.coordinatorStore },
      random: world.random.fork(process.incarnation),
      isStoreDown: () => world.weather.coordinatorStoreFails,
      ...(world.logAt && { log: world.logAt }),
      onFailure: (what, error) => world.evidence.note(() => `${process.incarnation}: ${what} failed: ${error}`),
      onCoordinator: (coordinator) => {
        world.coordinator = coordinator;
      },
    }),
  );
  machines.install("operator", (process) => {
    const spec = world.operator?.spec ?? plainSpec(shards, hosts);
    world.operator = startOperator(network, process, { coordinator: address, spec });
  });
}

function installRouter(world: World, name: string): void {
  const { network, weather } = world;
  world.machines.install(name, (process) =>
    startRouter(network, process, {
      address: addressOf(name),
      data: addressOf("data-0"),
      coordinator: addressOf("coordinator-0"),
      random: world.random.fork(process.incarnation),
      guards: { mapVersion: true, highestEpoch: true, ...world.options.guards?.map },
      weather,
      onRouter: (router) => void world.routers.set(name, router),
    }),
  );
}

function installHost(world: World, name: string, routers: readonly string[]): void {
  world.machines.install(name, (process) =>
    startHost(world.network, process, {
      address: addressOf(name),
      data: addressOf("data-0"),
      coordinator: addressOf("coordinator-0"),
      users: [addressOf("user-0")],
      routers,
      random: world.random.fork(process.incarnation),
      ...(world.logAt && { log: world.logAt }),
      ...(world.options.guards?.host && { guards: world.options.guards.host }),
      onWarning: (what, details) => world.evidence.note(() => `${process.incarnation}: ${what} ${describe(details)}`),
      onHandoff: (kind, outcome) => {
        world.evidence.count(`${kind} ${handoffResults[outcome.result] ?? ""}`);
        const { pauseMs, moveId } = outcome;
        world.evidence.pauses.push({ what: `${kind} ${moveId}`, pauseMs, atMs: world.engine.nowMs });
        world.evidence.note(() => `${process.incarnation}: ${kind} ${describe({ ...outcome })}`);
      },
      onHost: (host) => void world.hosts.set(name, host),
    }),
  );
}

function installGateway(world: World, name: string, routers: readonly string[]): void {
  world.machines.install(name, (process) =>
    startGateway(world.network, process, {
      address: addressOf(name),
      coordinator: addressOf("coordinator-0"),
      users: addressOf("user-0"),
      queueBytes: world.options.queueBytes ?? fewBytes,
      routers,
      store: world.sessionStore,
      random: world.random.fork(process.incarnation),
      resumeWindowMs,
      guards: { ...everyGuard, ...world.options.guards?.gateway },
      onCount: (what) => world.evidence.count(what),
      onLog: (level, fields, text) =>
        world.evidence.note(() => `${process.incarnation}: ${level} ${text} ${describe({ ...fields })}`),
      onGateway: (gateway) => void world.gateways.set(name, gateway),
    }),
  );
}

function installApi(world: World, name: string, routers: readonly string[]): void {
  world.machines.install(name, (process) =>
    startApi(world.network, process, {
      address: addressOf(name),
      coordinator: addressOf("coordinator-0"),
      routers,
      random: world.random.fork(process.incarnation),
      witness: world.evidence,
    }),
  );
}

function describe(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details)
    .map(([key, value]) => `${key}=${value instanceof Error ? value.message : JSON.stringify(value, replaceBigint)}`)
    .join(" ");
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
