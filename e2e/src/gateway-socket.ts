import { once } from "node:events";
import { constants, createInflate, createZstdDecompress } from "node:zlib";
import { waitFor } from "@guildhall/testing";
import { type RawData, WebSocket } from "ws";

/** How a connection's payloads are compressed. */
export type Compression = "zlib-stream" | "zstd-stream";

/** A payload that the gateway sent, as it came. */
export interface Frame {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
  /** The payload's JSON text. */
  readonly text: string;
}

/** How a connection ended. */
export interface Closed {
  /** 1006 when it was cut without a close frame. */
  readonly code: number;
  readonly reason: string;
}

/** One WebSocket connection to a gateway, without any protocol of its own. */
export interface GatewaySocket {
  readonly frames: readonly Frame[];
  /** How it ended, once it has. */
  readonly closed: Closed | undefined;
  /** Sends a value as JSON, text and bytes as they stand. */
  send(payload: object | string | Buffer): void;
  /** The first frame from `from` on that matches; rejects when the connection ends without it. */
  expect(matches: (frame: Frame) => boolean, from?: number): Promise<Frame>;
  /** Resolves with how it ended. */
  untilClosed(): Promise<Closed>;
  /** Cuts the TCP connection. */
  drop(): void;
  close(code: number): void;
  /** Stops and goes on with reading from the socket. */
  pause(): void;
  resume(): void;
}

/** What to connect to, and how. */
export interface SocketOptions {
  readonly compress?: Compression | undefined;
  /** Left out: 10. */
  readonly version?: string;
  readonly onFrame?: (frame: Frame) => void;
  /** Whether `frames` holds dispatches, too; left out: yes. */
  readonly keepsDispatches?: boolean;
}

const waitMs = 20_000;
const handshakeMs = 10_000;

/** Opens a connection; rejects when there is none to be had. */
export async function openGatewaySocket(url: string, options: SocketOptions = {}): Promise<GatewaySocket> {
  const { compress, version = "10", onFrame, keepsDispatches = true } = options;
  const query = `v=${version}&encoding=json${compress === undefined ? "" : `&compress=${compress}`}`;
  const socket = new WebSocket(`${url}/?${query}`, {
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
    handshakeTimeout: handshakeMs,
  });
  const frames: Frame[] = [];
  let closed: Closed | undefined;
  const read = makeReader(compress);
  let reading = Promise.resolve();
  socket.on("message", (data: RawData, isBinary: boolean) => {
    reading = reading.then(async () => {
      if (isBinary !== (compress !== undefined)) throw new Error(`a ${isBinary ? "binary" : "text"} frame came`);
      const text = await read(data as Buffer);
      const frame: Frame = { ...(JSON.parse(text) as Omit<Frame, "text">), text };
      if (keepsDispatches || frame.op !== 0) frames.push(frame);
      onFrame?.(frame);
    });
    reading.catch((error: unknown) => {
      closed = { code: -1, reason: `not readable: ${String(error)}` };
      socket.terminate();
    });
  });
  socket.on("close", (code, reason) => {
    // What came before the end is read first.
    void reading.finally(() => {
      closed ??= { code, reason: reason.toString() };
    });
  });
  socket.on("error", () => {});
  await once(socket, "open");
  return {
    frames,
    get closed() {
      return closed;
    },
    send: (payload) =>
      socket.send(typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload)),
    async expect(matches, from = 0) {
      return await waitFor(
        () => {
          const found = frames.slice(from).find(matches);
          if (found === undefined && closed !== undefined) return { found, closed };
          return found && { found };
        },
        { timeoutMs: waitMs },
      ).then(({ found }) => {
        if (found !== undefined) return found;
        throw new Error(`closed with ${closed?.code} ${closed?.reason} before the frame came`);
      });
    },
    untilClosed: () => waitFor(() => closed, { timeoutMs: waitMs }),
    drop: () => socket.terminate(),
    close: (code) => socket.close(code),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

/** Makes what turns a message's bytes into a payload's text, over the whole life of a connection. */
function makeReader(compress: Compression | undefined): (data: Buffer) => string | Promise<string> {
  if (compress === undefined) return (data) => data.toString();
  const stream =
    compress === "zlib-stream"
      ? createInflate({ flush: constants.Z_SYNC_FLUSH })
      : createZstdDecompress({ flush: constants.ZSTD_e_flush });
  let chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return (data) =>
    new Promise((resolve, reject) => {
      stream.once("error", reject);
      stream.write(data, () => {
        stream.off("error", reject);
        resolve(Buffer.concat(chunks).toString());
        chunks = [];
      });
    });
}
