import { constants, createInflate, createZstdDecompress, type Inflate, type ZstdDecompress } from "node:zlib";
import { waitFor } from "@guildhall/testing";
import { WebSocket } from "ws";

/** A payload as it came. */
export interface Payload {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

/** Where a client connects. */
export interface TestClientOptions {
  readonly url: string;
  readonly query: string;
}

/** What a client says in IDENTIFY besides its token. */
export interface IdentifyOptions {
  readonly intents?: unknown;
  readonly shard?: unknown;
  readonly large_threshold?: number;
}

/** A client that keeps everything it is sent. */
export class TestClient {
  readonly payloads: Payload[] = [];
  /** Of each frame: whether it was binary, and its size. */
  readonly frames: { readonly isBinary: boolean; readonly bytes: Buffer }[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #decoder: Inflate | ZstdDecompress | undefined;
  #decoding: Promise<void> = Promise.resolve();

  constructor({ url, query }: TestClientOptions) {
    this.#decoder = query.includes("zlib-stream")
      ? createInflate({ finishFlush: constants.Z_SYNC_FLUSH })
      : query.includes("zstd-stream")
        ? createZstdDecompress()
        : undefined;
    this.socket = new WebSocket(url + query, { perMessageDeflate: false });
    this.socket.on("message", (data: Buffer, isBinary) => {
      this.frames.push({ isBinary, bytes: data });
      if (this.#decoder === undefined || !isBinary) this.#take(data);
      else this.#decoding = this.#decoding.then(() => this.#inflate(data));
    });
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on("error", () => {});
  }

  get dispatches(): Payload[] {
    return this.payloads.filter(({ op }) => op === 0);
  }

  /** The types of the dispatches, in order. */
  get types(): (string | null)[] {
    return this.dispatches.map(({ t }) => t);
  }

  ofType(type: string): Payload[] {
    return this.dispatches.filter(({ t }) => t === type);
  }

  get lastS(): number {
    return this.dispatches.at(-1)?.s ?? 0;
  }

  get sessionId(): string {
    const [ready] = this.ofType("READY");
    if (ready === undefined) throw new Error("no READY has come");
    return (ready.d as { session_id: string }).session_id;
  }

  async opened(): Promise<this> {
    await waitFor(() => this.payloads.some(({ op }) => op === 10));
    return this;
  }

  send(op: number, d: unknown): void {
    this.sendText(JSON.stringify({ op, d }));
  }

  sendText(data: string | Buffer): void {
    this.socket.send(data);
  }

  async identify(token: string, options: IdentifyOptions = {}): Promise<this> {
    await this.opened();
    this.send(2, { token, properties: { os: "linux", browser: "test", device: "test" }, intents: 0, ...options });
    await waitFor(() => this.ofType("READY").length > 0 || this.closed || this.payloads.some(({ op }) => op === 9));
    return this;
  }

  async resume(token: string, sessionId: string, seq: number): Promise<this> {
    await this.opened();
    this.send(6, { token, session_id: sessionId, seq });
    await waitFor(() => this.ofType("RESUMED").length > 0 || this.closed || this.payloads.some(({ op }) => op === 9));
    return this;
  }

  async waitForType(type: string, count = 1): Promise<Payload> {
    await waitFor(() => this.ofType(type).length >= count);
    return this.ofType(type)[count - 1] as Payload;
  }

  async waitForClose(): Promise<number> {
    return (await waitFor(() => this.closed)).code;
  }

  close(code: number): void {
    this.socket.close(code);
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** One message must be one payload, whole. */
  async #inflate(data: Buffer): Promise<void> {
    const decoder = this.#decoder as Inflate;
    const chunks: Buffer[] = [];
    const collect = (chunk: Buffer) => chunks.push(chunk);
    decoder.on("data", collect);
    await new Promise<void>((resolve) => decoder.write(data, () => resolve()));
    await new Promise<void>((resolve) => setImmediate(resolve));
    decoder.off("data", collect);
    this.#take(Buffer.concat(chunks));
  }

  #take(data: Buffer): void {
    this.payloads.push(JSON.parse(data.toString()) as Payload);
  }
}
