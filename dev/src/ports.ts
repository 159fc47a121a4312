import { createServer, type Server } from "node:net";
import { GuildhallError } from "@guildhall/errors";

/** A port that somebody wants: `port` 0 takes any free one. */
export interface PortWish {
  /** What it is for, e.g. "gateway". */
  readonly name: string;
  readonly port: number;
}

/**
 * Ports for wishes, by name, all free on `host` when this returns. Throws GuildhallError PORT_TAKEN that names the port
 * and how to choose another, BAD_SPEC when nothing can listen on that host.
 */
export async function choosePorts(host: string, wishes: readonly PortWish[]): Promise<ReadonlyMap<string, number>> {
  const held: Server[] = [];
  const ports = new Map<string, number>();
  try {
    // One after another: the named ones first, so that no free choice takes them.
    for (const { name, port } of wishes.toSorted((a, b) => Number(a.port === 0) - Number(b.port === 0))) {
      const server = await hold(host, name, port);
      held.push(server);
      const address = server.address();
      if (address !== null && typeof address === "object") ports.set(name, address.port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

function hold(host: string, name: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => reject(refusal(error, host, name, port)));
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });
}

function refusal(error: NodeJS.ErrnoException, host: string, name: string, port: number): GuildhallError {
  const choose = "choose another with --port N or spec.endpoints (0 = any free)";
  switch (error.code) {
    case "EADDRINUSE":
      return new GuildhallError("PORT_TAKEN", `port ${port} (${name}) on ${host} is taken: free it, or ${choose}`);
    case "EACCES":
      return new GuildhallError("PORT_TAKEN", `port ${port} (${name}) on ${host} is not allowed: ${choose}`);
    default:
      return new GuildhallError("BAD_SPEC", `spec.endpoints.host: cannot listen on ${host}: ${error.message}`, {
        cause: error,
      });
  }
}
