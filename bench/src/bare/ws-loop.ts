// The bare baseline of fan-out: a plain `ws` server that sends the same frames in a loop. A process of its own.
import { type WebSocket, WebSocketServer } from "ws";

/** What the loop is told. */
export interface WsLoopRequest {
  readonly payload: string;
  readonly messages: number;
}

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
const highWaterBytes = 1 << 20;

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One message to everybody; the loop lets the sockets drain in between, as a server must. */
async function send({ payload, messages }: WsLoopRequest): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const clients: WebSocket[] = [...server.clients];
  for (let message = 0; message < messages; message += 1) {
    for (const client of clients) client.send(payload);
    await settled();
    while (clients.some(({ bufferedAmount }) => bufferedAmount > highWaterBytes)) await settled();
  }
  while (clients.some(({ bufferedAmount }) => bufferedAmount > 0)) await settled();
  const { user, system } = process.cpuUsage(cpuBefore);
  process.send?.({ cpuSeconds: (user + system) / 1e6 });
}

server.on("listening", () => process.send?.({ port: (server.address() as { port: number }).port }));
process.on("message", (request: WsLoopRequest) => void send(request));
process.once("disconnect", () => process.exit());
