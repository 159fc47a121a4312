import { GuildhallError } from "@guildhall/errors";
import { createGuildClient } from "@guildhall/rpc";
import type { Metrics } from "@guildhall/telemetry";
import type { ConnectHost } from "../domain/ports.ts";

/** Requests that wait for one host, written or not. */
const maxPending = 20_000;

/** Connects to hosts by their Exchange. */
export function makeConnectHost({ self, metrics }: { self: string; metrics: Metrics }): ConnectHost {
  return (address, onUp) => {
    const client = createGuildClient(address, { name: nameOf(address), self, maxPending, metrics });
    client.onConnect(onUp);
    return {
      get connected() {
        return client.connected;
      },
      async send(request, timeoutMs) {
        const { body } = await client.callRaw(request, { timeoutMs });
        if (body !== undefined) return body;
        throw new GuildhallError("INTERNAL", `the host at ${address} answered nothing`);
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  };
}

/** The host's name for metrics, from ".../guild-0.sock" or "guild-0.guild:7000". */
function nameOf(address: string): string {
  return /([^/:.]+)(\.[^/]*)?(:\d+)?$/.exec(address.replace(/^unix:/, ""))?.[1] ?? address;
}
