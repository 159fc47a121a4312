import { connect } from "node:net";
import type { Clock, Timers } from "@guildhall/lifecycle";
import { createGatewayClient, type GatewayClient } from "@guildhall/rpc";
import type { Log } from "@guildhall/telemetry";
import type { Gateways } from "../core/ports.ts";
import type { LogHolder, SessionStore } from "../store/session-store.ts";

/** What the ways to other gateways are made with. */
export interface GatewaysOptions {
  readonly store: SessionStore;
  /** This process. */
  readonly self: LogHolder;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}

/** The other gateways, as far as their logs name them. */
export interface GatewayClients extends Gateways, AsyncDisposable {
  /** Whether one of them takes connections: then who is sent away from here goes on there. */
  isOtherServing(): Promise<boolean>;
}

interface Known {
  readonly client: GatewayClient;
  readonly usedMs: number;
}

interface Probe {
  readonly isThere: Promise<boolean>;
  readonly atMs: number;
}

const sealMs = 1_000;
const describeMs = 500;
const probeMs = 500;
// A living gateway writes its log every few seconds, also when nothing happens.
const silentMs = 20_000;
const idleMs = 60_000;
// A gateway that dies has very many sessions: whether it is there is not asked for each of them.
const probeKeptMs = 500;
const maxClients = 64;

/** Makes the ways to the other gateways; a connection is opened when one is needed, and closed a while after. */
export function makeGateways(options: GatewaysOptions): GatewayClients {
  const { store, self, clock, log } = options;
  const clients = new Map<string, Known>();
  const probes = new Map<string, Probe>();
  const sweeps = options.timers.every(idleMs, () => {
    probes.clear();
    for (const [address, { usedMs }] of clients) if (clock.monotonicMs() - usedMs >= idleMs) drop(address);
  });
  const drop = (address: string): void => {
    const known = clients.get(address);
    clients.delete(address);
    void known?.client[Symbol.asyncDispose]();
  };
  const clientOf = (address: string): GatewayClient => {
    const found = clients.get(address);
    clients.delete(address);
    const rpc = { self: self.name, name: `gateway ${address}` };
    const known = { client: found?.client ?? createGatewayClient(address, rpc), usedMs: clock.monotonicMs() };
    // The last one used is last.
    clients.set(address, known);
    for (const oldest of clients.keys()) {
      if (clients.size <= maxClients) break;
      drop(oldest);
    }
    return known.client;
  };
  // Nobody there is said at once; a client would wait for somebody to come.
  const isThere = (address: string): Promise<boolean> => {
    if (clients.get(address)?.client.connected) return Promise.resolve(true);
    const nowMs = clock.monotonicMs();
    let probe = probes.get(address);
    if (probe === undefined || nowMs - probe.atMs >= probeKeptMs) {
      probe = { isThere: listens(address, probeMs), atMs: nowMs };
      probes.set(address, probe);
    }
    return probe.isThere;
  };
  const addressOf = async (tag: string): Promise<string | undefined> => {
    const address = (await store.holder(tag))?.address;
    return address === undefined || address === "" || address === self.address ? undefined : address;
  };

  return {
    async seal(holder, { sessionId, generation, gateway }) {
      try {
        const address = await addressOf(holder);
        if (address === undefined || !(await isThere(address))) return undefined;
        const request = { sessionId, generation, gateway };
        const { held, index, s } = await clientOf(address).call("sealSession", request, { timeoutMs: sealMs });
        return { held, index: Number(index), s: Number(s) };
      } catch (error) {
        log.debug({ err: error, holder }, "a gateway does not let go of a session");
        return undefined;
      }
    },
    async isOtherServing() {
      const oldestMs = clock.nowMs() - silentMs;
      const logs = (await store.logs()).filter(({ tag, writtenMs }) => tag !== self.tag && writtenMs >= oldestMs);
      const addresses = new Set(await Promise.all(logs.map(({ tag }) => addressOf(tag))));
      const states = Array.from(addresses, async (address) => {
        if (address === undefined || !(await isThere(address))) return "";
        const described = clientOf(address).call("describeSessions", { limit: 0 }, { timeoutMs: describeMs });
        return described.then(
          ({ state }) => state,
          () => "",
        );
      });
      return (await Promise.all(states)).includes("Serving");
    },
    async [Symbol.asyncDispose]() {
      sweeps[Symbol.dispose]();
      await Promise.all(Array.from(clients.values(), ({ client }) => client[Symbol.asyncDispose]()));
    },
  };
}

const unixPrefix = "unix:";

/** Whether somebody accepts connections at an RPC address. */
function listens(address: string, timeoutMs: number): Promise<boolean> {
  const colon = address.lastIndexOf(":");
  const target = address.startsWith(unixPrefix)
    ? { path: address.slice(unixPrefix.length) }
    : { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
  return new Promise((resolve) => {
    const socket = connect({ ...target, timeout: timeoutMs });
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}
