import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { GuildhallError, isGuildhallError } from "@guildhall/errors";

/** A port that somebody wants: `port` 0 takes any free one. */
export interface PortWish {
  /** What it is for, e.g. "gateway". */
  readonly name: string;
  readonly port: number;
}

/**
 * Free choices are made here, from ports that no system hands out by itself, as it comes (Linux: 32768 to 60999, macOS:
 * from 49152): between this choice and the start of the process that listens there, and again whenever that process is restarted,
 * any process that asks for some port could be given this one, and would keep it.
 */
const freeChoices = { from: 20_000, below: 30_000 };
const mostTries = 100;

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
      const server = port === 0 ? await holdAny(host, name) : await hold(host, name, port);
      held.push(server);
      const address = server.address();
      if (address !== null && typeof address === "object") ports.set(name, address.port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

async function holdAny(host: string, name: string): Promise<Server> {
  for (let tries = 1; ; tries++) {
    try {
      return await hold(host, name, randomInt(freeChoices.from, freeChoices.below));
    } catch (error) {
      if (tries === mostTries || !isGuildhallError(error) || error.code !== "PORT_TAKEN") throw error;
    }
  }
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
