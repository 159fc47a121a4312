import type { Instance, Link, PortName, SharedFolder } from "./fleet.ts";

/** Where a process's things are: each applier has its own answers. */
export interface Places {
  /** The RPC address under which others reach a process. */
  address(instance: string): string;
  /** The RPC address that a process serves. */
  listen(instance: string): string;
  /** Where a process keeps its state. */
  folder(instance: string): string;
  /** Where processes of a part keep what they share. */
  shared(folder: SharedFolder): string;
  /** What a port of a process is bound to. */
  bind(instance: string, port: PortName): { readonly host: string; readonly port: number };
  /** How clients reach a port of a process. */
  url(instance: string, port: PortName): string;
}

/** The whole environment of a process in the places of an applier. */
export function environmentOf(instance: Instance, places: Places): Record<string, string> {
  const environment: Record<string, string> = { ...instance.settings };
  for (const [name, link] of Object.entries(instance.links)) environment[name] = resolve(instance.name, link, places);
  return environment;
}

function resolve(instance: string, link: Link, places: Places): string {
  switch (link.kind) {
    case "listen":
      return places.listen(instance);
    case "advertised":
      return places.address(instance);
    case "addresses":
      return link.of.map((name) => places.address(name)).join(",");
    case "folder":
      return places.folder(instance);
    case "shared":
      return places.shared(link.name);
    case "host":
      return places.bind(instance, link.port).host;
    case "port":
      return String(places.bind(instance, link.port).port);
    case "url":
      return places.url(instance, link.port);
    default:
      return link satisfies never;
  }
}
