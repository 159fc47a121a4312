import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { GuildhallError } from "@guildhall/errors";
import type { HandedSockets } from "@guildhall/lifecycle";
import { WebSocketServer } from "ws";
import { GatewaySocket } from "./gateway-socket.ts";

/** What a client's URL asked for. */
export interface Upgrade {
  readonly socket: GatewaySocket;
  readonly raw: Socket;
  readonly query: URLSearchParams;
}

/** Where to listen, and how much to take on. */
export interface WebSocketServerOptions {
  readonly host: string;
  /** Shared with the other gateways of the machine; 0 = any. */
  readonly port: number;
  /** When they are there, the parent holds the shared port and hands over what connects there. */
  readonly handedSockets: HandedSockets | undefined;
  /** This process's own; 0 = any. */
  readonly ownPort: number;
  readonly hasRoom: () => boolean;
  readonly onUpgrade: (upgrade: Upgrade) => void;
  readonly onHanded: () => void;
  readonly onRefused: (reason: string) => void;
}

/** The two listeners of a gateway. */
export interface GatewayServer extends AsyncDisposable {
  /** undefined while the parent holds it. */
  readonly port: number | undefined;
  readonly ownPort: number;
  /** Refuses new connections; the present ones go on. */
  stopAccepting(): void;
}

const handshakeTimeoutMs = 10_000;
const maxHeaderBytes = 8_192;
// Above any payload that is looked at; what is larger ends the connection before it is read.
const maxPayloadBytes = 64 * 1024;

/** Listens on both ports. PORT_TAKEN when one of them is not to be had. */
export async function createGatewayServer(options: WebSocketServerOptions): Promise<GatewayServer> {
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxPayloadBytes,
    WebSocket: GatewaySocket,
  });
  let isAccepting = true;

  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const [path = "", query = ""] = splitUrl(request.url ?? "");
    if (!/^\/{0,2}$/.test(path)) refuse(socket, 404, "path");
    else if (!isAccepting) refuse(socket, 503, "draining");
    else if (!options.hasRoom()) refuse(socket, 503, "connections");
    else upgrade(request, socket as Socket, head, query);
  };
  const upgrade = (request: IncomingMessage, raw: Socket, head: Buffer, query: string): void => {
    webSockets.handleUpgrade(request, raw, head, (accepted) => {
      raw.setNoDelay(true);
      options.onUpgrade({ socket: accepted, raw, query: new URLSearchParams(query) });
    });
  };
  const refuse = (socket: Duplex, status: number, reason: string): void => {
    options.onRefused(reason);
    socket.on("error", () => socket.destroy());
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };

  await using stack = new AsyncDisposableStack();
  const { host, handedSockets } = options;
  const shared =
    handedSockets === undefined ? stack.adopt(await listen(host, options.port, true, accept), stop) : undefined;
  const own = stack.adopt(await listen(host, options.ownPort, false, accept), stop);
  handedSockets?.take((socket) => {
    options.onHanded();
    socket.setKeepAlive(true);
    own.emit("connection", socket);
  });
  const owned = stack.move();
  return {
    port: shared && portOf(shared),
    ownPort: portOf(own),
    stopAccepting() {
      isAccepting = false;
      handedSockets?.refuse();
      shared?.close();
      own.close();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function listen(
  host: string,
  port: number,
  reusePort: boolean,
  onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<Server> {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: handshakeTimeoutMs,
      requestTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: 1_000,
      keepAlive: true,
    },
    answerPlain,
  );
  server.maxHeadersCount = 64;
  server.on("upgrade", onUpgrade);
  server.on("clientError", (_error, socket) => socket.destroy());
  try {
    server.listen({ host, port, reusePort: reusePort && port !== 0, backlog: 4_096 });
    await once(server, "listening");
  } catch (cause) {
    throw new GuildhallError("PORT_TAKEN", `cannot listen on ${host}:${port}`, { cause });
  }
  return server;
}

/** Whatever is no WebSocket handshake. */
function answerPlain(_request: IncomingMessage, response: ServerResponse): void {
  const body = '{"message": "Upgrade Required", "code": 0}';
  response.writeHead(426, {
    connection: "close",
    upgrade: "websocket",
    "content-type": "application/json",
    "content-length": body.length,
  });
  response.end(body);
}

function splitUrl(url: string): [string, string] {
  const at = url.indexOf("?");
  return at < 0 ? [url, ""] : [url.slice(0, at), url.slice(at + 1)];
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
