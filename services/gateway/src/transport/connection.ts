import type { Socket } from "node:net";
import type { Codec } from "../codec/codec.ts";
import type { FrameSink } from "../codec/frame-sink.ts";
import { binaryFrame, frameHead, maxHeadBytes } from "../codec/web-socket-frame.ts";
import { wholeDispatch, type ZstdContext } from "../codec/zstd-context.ts";
import type { Body } from "../domain/body.ts";
import type { RateWindow } from "../domain/rate-window.ts";
import type { Link, Session } from "../domain/session.ts";
import type { Flusher } from "./flusher.ts";
import type { GatewaySocket } from "./gateway-socket.ts";

/*
 * States of a connection: open ──close()──▶ closing ──peer answered, or gone──▶ closed
 * `session` is set between READY or a resume and the end of either; while `isIdentifying` an IDENTIFY or RESUME is under way.
 */

/** How a connection came: the query of its URL. */
export interface ConnectionKind {
  readonly version: number;
  readonly codec: Codec;
  /** Its own compressor, when the payloads go through one instead of the codec. */
  readonly context: ZstdContext | undefined;
  /** "json", or how it is compressed. */
  readonly encoding: string;
}

/** One client's socket. Frames are gathered in `flusher` and written once per turn of the event loop. */
export class Connection implements Link {
  readonly socket: GatewaySocket;
  readonly raw: Socket;
  readonly version: number;
  readonly encoding: string;
  /** Since when it has had no session: its opening, or INVALID_SESSION. */
  unknownSinceMs: number;
  lastBeatMs: number;
  session: Session | undefined;
  isIdentifying = false;
  isClosing = false;
  /** Told to reconnect: what it still asks for is left undone. */
  isLeaving = false;
  window: RateWindow | undefined;
  readonly #codec: Codec;
  readonly #context: ZstdContext | undefined;
  readonly #flusher: Flusher;
  /** What waits to be written: pairs of `s` (-1 = none) and payload. */
  #queue: (number | Body | Uint8Array)[] | undefined;
  /** Bytes that may be queued beyond the limit: what a client asked for comes in one piece, however large. */
  #granted = 0;

  constructor(socket: GatewaySocket, raw: Socket, kind: ConnectionKind, flusher: Flusher, nowMs: number) {
    this.socket = socket;
    this.raw = raw;
    this.version = kind.version;
    this.encoding = kind.encoding;
    this.unknownSinceMs = nowMs;
    this.lastBeatMs = nowMs;
    this.#codec = kind.codec;
    this.#context = kind.context;
    this.#flusher = flusher;
  }

  send(s: number, body: Body): void {
    this.#flusher.sent.dispatches++;
    this.#enqueue(s, body);
  }

  /** Sends a payload that is no dispatch. */
  control(json: Uint8Array): void {
    this.#enqueue(-1, json);
  }

  /** Lets that many bytes more than usual be queued, until all is written. */
  grant(bytes: number): void {
    this.#granted += bytes;
  }

  get isCongested(): boolean {
    return this.queuedBytes > this.#flusher.maxQueuedBytes / 2;
  }

  /** Bytes that the network has not taken yet. */
  get queuedBytes(): number {
    return this.raw.writableLength + (this.#context?.heldBytes ?? 0);
  }

  /** Whether it has a compressor of its own. */
  get hasContext(): boolean {
    return this.#context !== undefined;
  }

  get isOverLimit(): boolean {
    return this.queuedBytes > this.#flusher.maxQueuedBytes + this.#granted;
  }

  /** Encodes what waits and hands it to the socket; true when the network took all of it. */
  flush(sink: FrameSink): boolean {
    const queue = this.#queue;
    if (queue === undefined) return true;
    this.#queue = undefined;
    if (this.isClosing || this.raw.destroyed) return true;
    if (this.#context !== undefined) this.#compress(queue, this.#context);
    else this.#encode(queue, sink);
    this.#flusher.takeBack(queue);
    const isWritten = this.queuedBytes === 0;
    if (isWritten) this.#granted = 0;
    return isWritten;
  }

  /** Sends what waits, then begins to close. */
  close(code: number, reason: string): void {
    if (this.isClosing) return;
    this.#flusher.flushOne(this);
    this.isClosing = true;
    this.#queue = undefined;
    this.socket.close(code, reason);
  }

  /** Drops the socket without waiting for its queue. */
  abandon(): void {
    this.isClosing = true;
    this.#queue = undefined;
    this.socket.terminate();
  }

  /** A payload has come out of the connection's own compressor. */
  writeCompressed(payload: Uint8Array, sink: FrameSink): boolean {
    if (this.isClosing || this.raw.destroyed) return true;
    sink.reserve(maxHeadBytes);
    frameHead(sink, binaryFrame, payload.length);
    sink.bytes(payload);
    this.#write(sink.take());
    return this.raw.writableLength === 0;
  }

  dispose(): void {
    this.#context?.[Symbol.dispose]();
    this.#queue = undefined;
  }

  #enqueue(s: number, payload: Body | Uint8Array): void {
    if (this.isClosing) return;
    if (this.#queue === undefined) this.#queue = this.#flusher.enlist(this);
    this.#queue.push(s, payload);
  }

  #encode(queue: readonly (number | Body | Uint8Array)[], sink: FrameSink): void {
    for (let at = 0; at < queue.length; at += 2) {
      const s = queue[at] as number;
      if (s < 0) this.#codec.control(sink, queue[at + 1] as Uint8Array);
      else this.#codec.dispatch(sink, s, queue[at + 1] as Body);
    }
    this.#write(sink.take());
  }

  #compress(queue: readonly (number | Body | Uint8Array)[], context: ZstdContext): void {
    for (let at = 0; at < queue.length; at += 2) {
      const s = queue[at] as number;
      context.write(s < 0 ? (queue[at + 1] as Uint8Array) : wholeDispatch(s, queue[at + 1] as Body));
    }
  }

  #write(chunks: readonly Buffer[]): void {
    const { raw } = this;
    // A slow reader's bytes lie in its queue for long: they must not hold a whole slab.
    const isSlow = raw.writableLength > 0;
    if (chunks.length > 1) raw.cork();
    for (const chunk of chunks) {
      this.#flusher.sent.bytes += chunk.length;
      raw.write(isSlow ? ownCopy(chunk) : chunk);
    }
    if (chunks.length > 1) raw.uncork();
  }
}

function ownCopy(chunk: Buffer): Buffer {
  return chunk.buffer.byteLength > chunk.length * 2 ? Buffer.from(chunk) : chunk;
}
