import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { waitFor } from "@guildhall/testing";

const waitMs = 15_000;

/** A TCP connection below every protocol. */
export interface RawSocket extends Disposable {
  readonly socket: Socket;
  /** Everything that came so far. */
  readonly received: Buffer;
  write(bytes: string | Buffer): void;
  /** Resolves when the other side has ended it. */
  untilClosed(): Promise<void>;
}

/** Opens a connection to the host and port of a URL. */
export async function openRawSocket(url: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const chunks: Buffer[] = [];
  let isClosed = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  await once(socket, "connect");
  return {
    socket,
    get received() {
      return Buffer.concat(chunks);
    },
    write: (bytes) => void socket.write(bytes),
    untilClosed: async () => void (await waitFor(() => isClosed, { timeoutMs: waitMs })),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** A WebSocket whose frames are made by hand. */
export interface RawWebSocket extends RawSocket {
  /** The code of the close frame, 1006 when the connection ended without one. */
  closeCode(): Promise<number>;
}

/** Opens a connection and does the handshake. */
export async function openRawWebSocket(url: string): Promise<RawWebSocket> {
  const raw = await openRawSocket(url);
  const head = [
    "GET /?v=10&encoding=json HTTP/1.1",
    "Host: 127.0.0.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ];
  raw.write(`${head.join("\r\n")}\r\n\r\n`);
  const headEnd = () => raw.received.indexOf("\r\n\r\n");
  await waitFor(() => headEnd() >= 0);
  const closeCode = async (): Promise<number> => {
    const frames = () => raw.received.subarray(headEnd() + 4);
    const find = () => closeFrameIn(frames()) ?? (raw.socket.closed ? { code: 1006 } : undefined);
    return (await waitFor(find, { timeoutMs: waitMs })).code;
  };
  return {
    ...raw,
    get received() {
      return raw.received;
    },
    closeCode,
    [Symbol.dispose]: () => void raw.socket.destroy(),
  };
}

function closeFrameIn(bytes: Buffer): { code: number } | undefined {
  let at = 0;
  while (at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 0x0f;
    let length = (bytes[at + 1] ?? 0) & 0x7f;
    let head = 2;
    if (length === 126 && at + 4 <= bytes.length) {
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127 && at + 10 <= bytes.length) {
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    if (at + head + length > bytes.length) return undefined;
    if (opcode === 8) return { code: length >= 2 ? bytes.readUInt16BE(at + head) : 1005 };
    at += head + length;
  }
  return undefined;
}

/** A client's frame: masked with zeros, so that its payload stands as it is. */
export function clientFrame(opcode: number, payload: string | Buffer, isLast = true): Buffer {
  const body = Buffer.from(payload);
  const first = (isLast ? 0x80 : 0) | opcode;
  const mask = Buffer.alloc(4);
  if (body.length < 126) return Buffer.concat([Buffer.from([first, 0x80 | body.length]), mask, body]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 0x80 | 127;
  head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, mask, body]);
}
