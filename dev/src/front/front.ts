import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { GuildhallError } from "@guildhall/errors";
import { type FrontAnswer, type FrontMessage, systemTimers } from "@guildhall/lifecycle";
import { HandOver, type HandOverCounts, type HandOverLimits } from "./hand-over.ts";

/** A process that connections are handed to: a child with an IPC channel. */
export interface FrontTarget {
  readonly name: string;
  /** Sends the message, if it still can; the socket stays open on this side. */
  send(message: FrontMessage, socket?: Socket): void;
}

/** The public port of the gateways: it accepts whatever becomes of them. */
export interface Front extends AsyncDisposable {
  readonly port: number;
  readonly counts: HandOverCounts;
  /** A process is ready for connections. */
  add(target: FrontTarget): void;
  /** A process takes none any more: it is being stopped, or has ended. */
  remove(name: string): void;
  /** A process has ended, and no message of it comes any more. */
  ended(name: string): void;
  /** A message of a process has come; those that are none of the front's are passed over. */
  heard(name: string, message: unknown): void;
  /** Accepts nobody any more, and says so to the processes. */
  close(): void;
}

/** Where the front listens. */
export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  readonly limits?: HandOverLimits;
  /** Told when the system does not let it accept. */
  readonly onError?: (error: Error) => void;
}

const backlog = 4_096;

/** Listens on a port and hands what connects there to processes. PORT_TAKEN when the port is not to be had. */
export async function openFront({ host, port, limits, onError }: FrontOptions): Promise<Front> {
  // Nothing is read here: what a client has sent is the process's to read.
  const server = createServer({ pauseOnConnect: true });
  const handOver = new HandOver<Socket>(
    { nowMs: () => performance.now(), timers: systemTimers, drop: (socket) => void socket.destroy() },
    limits,
  );
  server.on("connection", (socket) => {
    socket.on("error", () => socket.destroy());
    handOver.offer(socket);
  });
  await listen(server, host, port);
  // E.g. no file descriptors left: whoever waits in the backlog is accepted once there are.
  server.on("error", (error) => onError?.(error));
  const close = (): void => {
    // Its callback waits for every connection that was ever handed over.
    server.close();
    handOver.close();
  };
  return {
    port: (server.address() as { readonly port: number }).port,
    get counts() {
      return handOver.counts;
    },
    add: (target) => handOver.add(target),
    remove: (name) => handOver.remove(name),
    ended: (name) => handOver.ended(name),
    heard(name, message) {
      if (isAnswer(message)) handOver.heard(name, message);
    },
    close,
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port, backlog });
    await once(server, "listening");
  } catch (cause) {
    throw new GuildhallError("PORT_TAKEN", `cannot listen on ${host}:${port}`, { cause });
  }
}

function isAnswer(message: unknown): message is FrontAnswer {
  return typeof message === "object" && message !== null && "front" in message;
}
