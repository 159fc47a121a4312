import { GuildhallError } from "@guildhall/errors";
import type { TopicRequest } from "@guildhall/proto";
import type { Answer, ConnectHost } from "../src/domain/ports.ts";

/** A host of a simulation: what it does with a request; undefined = it never answers. */
type SimulatedHost = (request: TopicRequest) => Answer | undefined;

/** Hosts without a network, for simulations of the router. */
export interface SimulatedHosts {
  readonly connect: ConnectHost;
  /** Requests that hosts have taken, with the host's address, in order. */
  readonly taken: readonly { readonly address: string; readonly request: TopicRequest }[];
  /** A process comes up at an address. */
  start(address: string, host: SimulatedHost): void;
  /** It is killed: what it has not answered breaks. */
  kill(address: string): void;
}

interface Waiting {
  readonly address: string;
  readonly reject: (error: GuildhallError) => void;
}

/** Makes hosts of which none runs. */
export function makeSimulatedHosts(): SimulatedHosts {
  const running = new Map<string, SimulatedHost>();
  const listeners = new Map<string, () => void>();
  const taken: { address: string; request: TopicRequest }[] = [];
  const waiting = new Set<Waiting>();
  return {
    taken,
    connect(address, onUp) {
      listeners.set(address, onUp);
      return {
        get connected() {
          return running.has(address);
        },
        send(request) {
          const host = running.get(address);
          if (host === undefined) return Promise.reject(new GuildhallError("UNAVAILABLE", "not connected"));
          taken.push({ address, request });
          const answer = host(request);
          if (answer !== undefined) return Promise.resolve(answer);
          return new Promise((_resolve, reject) => waiting.add({ address, reject }));
        },
        [Symbol.asyncDispose]: async () => void listeners.delete(address),
      };
    },
    start(address, host) {
      running.set(address, host);
      listeners.get(address)?.();
    },
    kill(address) {
      running.delete(address);
      for (const call of waiting) {
        if (call.address !== address) continue;
        waiting.delete(call);
        call.reject(new GuildhallError("STREAM_LOST", "killed"));
      }
    },
  };
}
