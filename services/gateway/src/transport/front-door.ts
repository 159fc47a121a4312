import type { RawData, WebSocket } from "ws";
import { type CloseCode, closeCode } from "../close-codes.ts";
import { chooseEncoding } from "../codec/choose.ts";
import type { Deflater } from "../codec/deflate.ts";
import { makeZstdContext, type ZstdContext } from "../codec/zstd-context.ts";
import { DeadlineWheel } from "../domain/deadline-wheel.ts";
import { Connection } from "./connection.ts";
import type { Flusher } from "./flusher.ts";
import type { GatewaySocket, SocketEvents } from "./gateway-socket.ts";
import type { Upgrade } from "./web-socket-server.ts";

/** What becomes of connections. */
export interface FrontDoorPorts {
  readonly flusher: Flusher;
  readonly deflater: Deflater;
  readonly maxContexts: number;
  readonly heartbeatIntervalMs: number;
  readonly hello: Buffer;
  nowMs(): number;
  onMessage(connection: Connection, data: Buffer): void;
  onPing(connection: Connection): void;
  onClosed(connection: Connection, code: number): void;
  /** To be closed with this code. */
  onRefused(connection: Connection, code: CloseCode): void;
}

const versions: readonly (string | null)[] = [null, "10", "9"];
const identifyTimeoutMs = 60_000;
// How late a heartbeat may be, as a multiple of the interval.
const patience = 1.5;
const wheelSlotMs = 250;
const wheelSlots = 1_024;

/** Takes in connections and watches that they show signs of life. */
export class FrontDoor implements SocketEvents {
  readonly connections = new Set<Connection>();
  readonly #ports: FrontDoorPorts;
  readonly #wheel: DeadlineWheel<Connection>;
  #contexts = 0;

  constructor(ports: FrontDoorPorts) {
    this.#ports = ports;
    this.#wheel = new DeadlineWheel(wheelSlotMs, wheelSlots, ports.nowMs());
  }

  /** A handshake has been made. */
  enter({ socket, raw, query }: Upgrade): void {
    const { flusher, deflater, maxContexts, hello } = this.#ports;
    const encoding = chooseEncoding({
      compress: query.get("compress"),
      deflater,
      hasContextLeft: this.#contexts < maxContexts,
    });
    const context = encoding?.usesContext ? this.#openContext(() => connection) : undefined;
    const codec = (encoding ?? chooseEncoding({ compress: null, deflater, hasContextLeft: false }))?.codec;
    if (codec === undefined) {
      socket.terminate();
      return;
    }
    const version = query.get("v");
    const kind = { version: version === "9" ? 9 : 10, codec, context, encoding: query.get("compress") || "json" };
    const connection: Connection = new Connection(socket, raw, kind, flusher, this.#ports.nowMs());
    this.connections.add(connection);
    this.#listen(socket, connection);
    const hasEncoding = encoding !== undefined && [null, "json"].includes(query.get("encoding"));
    if (!versions.includes(version)) {
      this.#ports.onRefused(connection, closeCode.INVALID_API_VERSION);
    } else if (!hasEncoding) {
      this.#ports.onRefused(connection, closeCode.DECODE_ERROR);
    } else {
      connection.control(hello);
      this.#wheel.add(connection, this.#deadlineOf(connection));
    }
  }

  /** Closes connections that are half open, or whose client never says who it is. */
  watch(): void {
    const nowMs = this.#ports.nowMs();
    this.#wheel.turn(nowMs, (connection) => {
      // One that was told to reconnect has no session any more, and is closed by whoever told it.
      if (connection.isClosing || connection.isLeaving) return undefined;
      const deadlineMs = this.#deadlineOf(connection);
      if (deadlineMs > nowMs) return deadlineMs;
      const isUnknown = connection.session === undefined && !connection.isIdentifying;
      const isBeating = nowMs - connection.lastBeatMs < this.#ports.heartbeatIntervalMs * patience;
      this.#ports.onRefused(connection, isUnknown && isBeating ? closeCode.NOT_AUTHENTICATED : closeCode.UNKNOWN_ERROR);
      return undefined;
    });
  }

  #deadlineOf(connection: Connection): number {
    const beatMs = connection.lastBeatMs + this.#ports.heartbeatIntervalMs * patience;
    if (connection.session !== undefined || connection.isIdentifying) return beatMs;
    return Math.min(beatMs, connection.unknownSinceMs + identifyTimeoutMs);
  }

  #listen(socket: GatewaySocket, connection: Connection): void {
    socket.connection = connection;
    socket.door = this;
    socket.on("message", onMessage).on("ping", onPing).on("close", onClose).on("error", onError);
  }

  received(connection: Connection, data: Buffer): void {
    this.#ports.onMessage(connection, data);
  }

  pinged(connection: Connection): void {
    this.#ports.onPing(connection);
  }

  left(connection: Connection, code: number): void {
    if (!this.connections.delete(connection)) return;
    if (connection.hasContext) this.#contexts--;
    this.#ports.onClosed(connection, code);
  }

  #openContext(connectionOf: () => Connection): ZstdContext {
    this.#contexts++;
    return makeZstdContext(
      (payload) => this.#ports.flusher.writeCompressed(connectionOf(), payload),
      () => connectionOf().abandon(),
    );
  }
}

// Listeners without a closure: one set for all sockets.
function onMessage(this: WebSocket, data: RawData): void {
  const { connection, door } = this as GatewaySocket;
  if (connection !== undefined) door?.received(connection, data as Buffer);
}

function onPing(this: WebSocket): void {
  const { connection, door } = this as GatewaySocket;
  if (connection !== undefined) door?.pinged(connection);
}

function onClose(this: WebSocket, code: number): void {
  const { connection, door } = this as GatewaySocket;
  if (connection !== undefined) door?.left(connection, code);
}

/** Protocol errors; the library closes the socket, and "close" follows. */
function onError(): void {}
