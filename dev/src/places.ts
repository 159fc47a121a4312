import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import type { ShardSet } from "@guildhall/operator/api";
import type { Fleet, Places } from "@guildhall/operator/plan";
import type { PortWish } from "./ports.ts";

/** The public ports that somebody chose over the document's; 0 takes any free one. */
export interface PublicPorts {
  readonly api: number;
  readonly gateway: number;
}

/** Where everything of a fleet on one machine is. */
export interface LocalPlaces extends Places {
  /** Base of the REST API, without version. */
  readonly apiUrl: string;
  readonly gatewayUrl: string;
}

const gatewayPart = "gateway";

/** The ports that a fleet listens on: the public two, and one for each gateway, for resuming at just that one. */
export function portWishes(fleet: Fleet, { api, gateway }: PublicPorts): PortWish[] {
  const above = Math.max(api, gateway) + 1;
  const own = gateways(fleet).map((name, index) => ({ name, port: gateway === 0 ? 0 : above + index }));
  const wishes = [{ name: "api", port: api }, { name: "gateway", port: gateway }, ...own];
  const tooHigh = wishes.find(({ port }) => port > 65_535);
  if (tooHigh !== undefined) {
    const text = `port ${tooHigh.port} for ${tooHigh.name} is above 65535: choose lower ones with --port N`;
    throw new GuildhallError("BAD_CONFIG", text);
  }
  return wishes;
}

/** The places of a fleet on this machine: unix sockets, folders below the state folder, chosen ports. */
export function makePlaces(options: {
  readonly endpoints: ShardSet["spec"]["endpoints"];
  readonly ports: ReadonlyMap<string, number>;
  readonly sockets: string;
  readonly folderOf: (part: string) => string;
}): LocalPlaces {
  const { endpoints, ports, sockets, folderOf } = options;
  const { host } = endpoints;
  const portOf = (name: string): number => {
    const port = ports.get(name);
    if (port === undefined) throw new GuildhallError("INTERNAL", `no port was chosen for ${name}`);
    return port;
  };
  const url = (scheme: string, name: string) => `${scheme}://${reachable(host)}:${portOf(name)}`;
  const address = (instance: string) => `unix:${join(sockets, instance)}.sock`;
  return {
    apiUrl: url("http", "api"),
    gatewayUrl: url("ws", "gateway"),
    address,
    listen: address,
    folder: (instance) => folderOf(partOf(instance)),
    shared: folderOf,
    bind(instance, port) {
      switch (port) {
        case "metrics":
          return { host: "127.0.0.1", port: 0 };
        case "http":
          return { host, port: portOf("api") };
        case "ws":
          return { host, port: portOf("gateway") };
        case "own":
          return { host, port: portOf(instance) };
        default:
          return port satisfies never;
      }
    },
    url(instance, port) {
      switch (port) {
        case "metrics":
          throw new GuildhallError("INTERNAL", `the metrics port of ${instance} is not known before it runs`);
        case "http":
          return url("http", "api");
        case "ws":
          return url("ws", "gateway");
        case "own":
          return url("ws", instance);
        default:
          return port satisfies never;
      }
    },
  };
}

function gateways({ workloads }: Fleet): string[] {
  return workloads.flatMap(({ part, instances }) => (part === gatewayPart ? instances.map(({ name }) => name) : []));
}

function partOf(instance: string): string {
  return instance.slice(0, instance.lastIndexOf("-"));
}

/** How to connect to what listens on a host: all addresses are reached at the local one. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
