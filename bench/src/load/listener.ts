import { connect, type Socket } from "node:net";
import { clientFrame, upgradeRequest } from "./client-frame.ts";
import { FrameCounter } from "./frame-counter.ts";

/** All listeners read into it, one after the other: a buffer for each read would cost more than the reading. */
const readBuffer = Buffer.alloc(1 << 16);
const headEnd = Buffer.from("\r\n\r\n");

/** Where listeners connect, and what they say first; undefined = nothing (the bare server). */
export interface ListenerOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly intents: number | undefined;
  readonly compress: "zlib-stream" | undefined;
  /** Called with each chunk of frames, for those who want to look. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
}

/** One raw WebSocket connection that counts what it gets. */
export class Listener {
  readonly counter = new FrameCounter();
  readonly #socket: Socket;
  #head: Buffer | undefined = Buffer.alloc(0);
  /** When the frame that was waited for came, in milliseconds of performance.now(). */
  onProgress: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    const { hostname, port, host } = new URL(options.url);
    const callback = (length: number, buffer: Uint8Array): boolean => {
      this.#take(Buffer.from(buffer.buffer, buffer.byteOffset, length), options);
      return true;
    };
    this.#socket = connect({ port: Number(port), host: hostname, onread: { buffer: readBuffer, callback } });
    this.#socket.setNoDelay(true);
    const compress = options.compress === undefined ? "" : `&compress=${options.compress}`;
    this.#socket.write(upgradeRequest(host, `v=10&encoding=json${compress}`));
    this.#socket.on("error", () => this.#socket.destroy());
  }

  get open(): boolean {
    return !this.#socket.destroyed;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer, options: ListenerOptions): void {
    let data = chunk;
    if (this.#head !== undefined) {
      const all: Buffer = Buffer.concat([this.#head, chunk]);
      const end = all.indexOf(headEnd);
      if (end < 0) {
        this.#head = all;
        return;
      }
      this.#head = undefined;
      if (options.token !== undefined) this.#socket.write(clientFrame(identify(options)));
      data = all.subarray(end + headEnd.length);
    }
    if (data.length === 0) return;
    options.onChunk?.(data);
    this.counter.take(data);
    this.onProgress?.();
  }
}

function identify({ token, intents }: ListenerOptions): string {
  const properties = { os: "linux", browser: "bench", device: "bench" };
  return JSON.stringify({ op: 2, d: { token, properties, ...(intents === undefined ? {} : { intents }) } });
}
