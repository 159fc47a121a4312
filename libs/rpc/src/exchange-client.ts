import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import type { Failure } from "@guildhall/proto";
import { currentTraceparent, type Metrics } from "@guildhall/telemetry";
import { type Chunks, countInBatch, maxMessageBytes } from "./batch-codec.ts";
import {
  type CaseOf,
  type ExchangeReply,
  type ExchangeRequest,
  lastTakenKey,
  type ReplyBatch,
  type ValueOf,
} from "./exchange-message.ts";
import { fromFailure } from "./failure.ts";
import { type ExchangeStats, showExchangeStats } from "./rpc-metrics.ts";
import { type LinkState, makeStreamLink } from "./stream-link.ts";
import { makeWaitingCalls, type WaitingCall } from "./waiting-calls.ts";

/** How one call differs from the client's usual. */
export interface CallOptions<Req extends ExchangeRequest> {
  readonly timeoutMs?: number | undefined;
  /** Aborting rejects the call with CANCELLED; what was written may still be done. */
  readonly signal?: AbortSignal | undefined;
  /** Default: `currentTraceparent()`. */
  readonly traceparent?: string | undefined;
  /** Further fields of the request, e.g. `topic`. */
  readonly extra?: Partial<Omit<Req, "id" | "traceparent" | "body">> | undefined;
}

/** One peer's Exchange stream, for ever. */
export interface ExchangeClient<Req extends ExchangeRequest, Rep extends ExchangeReply> extends AsyncDisposable {
  readonly name: string;
  readonly connected: boolean;
  /** "waiting": between two attempts. */
  readonly state: LinkState;
  /**
   * Asks, and resolves with what the reply's same case carries. Rejects with the peer's failure, or QUEUE_FULL (over
   * `maxPending`), UNAVAILABLE (certainly never written), STREAM_LOST and DEADLINE_EXCEEDED (written: outcome unknown),
   * CANCELLED, PAYLOAD_TOO_LARGE (over 16 MiB).
   */
  call<C extends CaseOf<Req, Rep>>(
    kind: C,
    value: ValueOf<Req, C>,
    options?: CallOptions<Req>,
  ): Promise<ValueOf<Rep, C>>;
  /** Passes a request on as it is, but for its id, and resolves with the whole reply, `failure` and all. */
  callRaw(
    request: Omit<Req, "id">,
    options?: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<Rep>;
  /** Runs `listener` at each connect, at once when connected now. */
  onConnect(listener: () => void): Disposable;
  /** Runs `listener` at each loss of the stream, after the calls that it took along were rejected. */
  onDisconnect(listener: () => void): Disposable;
}

/** What a client is made of. */
export interface ExchangeClientOptions<Req extends ExchangeRequest, Rep extends ExchangeReply> {
  /** The peer, for metrics and errors: "data-0". */
  readonly name: string;
  /** Opens a stream that waits for its server (`makeStreamMetadata`) and is written in pieces. */
  readonly open: () => ClientDuplexStream<Chunks, ReplyBatch<Rep>>;
  /** Encodes a batch of one request. */
  readonly encode: (request: Req) => Uint8Array;
  /** Most calls that may wait at once, written or not. */
  readonly maxPending: number;
  /** The usual deadline of a call. */
  readonly timeoutMs: number;
  /** What a request has besides id, traceparent and body. `timeoutMs` there is set from each call's deadline. */
  readonly blank: Omit<Req, "id" | "traceparent" | "body">;
  readonly metrics?: Metrics | undefined;
  /** Run at disposal. */
  readonly close?: () => void;
}

const disposeWaitMs = 1_000;

/** Makes a client and begins to connect; it reconnects for ever, with bounded backoff. */
export function makeExchangeClient<Req extends ExchangeRequest, Rep extends ExchangeReply>(
  options: ExchangeClientOptions<Req, Rep>,
): ExchangeClient<Req, Rep> {
  return new Client(options);
}

class Client<Req extends ExchangeRequest, Rep extends ExchangeReply> implements ExchangeClient<Req, Rep> {
  readonly name: string;
  readonly #options: ExchangeClientOptions<Req, Rep>;
  readonly #stampsTimeout: boolean;
  readonly #waiting;
  readonly #link;
  readonly #stats: ExchangeStats = { calls: 0, messages: 0, lost: 0, refused: 0, failed: 0 };
  readonly #shown: Disposable | undefined;
  readonly #onConnect = new Set<() => void>();
  readonly #onDisconnect = new Set<() => void>();
  #queue: WaitingCall<Rep>[] = [];
  #number = 0;
  #flushing = false;
  #hasRoom = false;
  #disposed: Promise<void> | undefined;

  constructor(options: ExchangeClientOptions<Req, Rep>) {
    this.name = options.name;
    this.#options = options;
    this.#stampsTimeout = "timeoutMs" in options.blank;
    this.#waiting = makeWaitingCalls<Rep>(options.name, (count) => {
      this.#stats.failed += count;
      this.#dropSettled();
    });
    this.#link = makeStreamLink<Chunks, ReplyBatch<Rep>>({
      open: options.open,
      onConnect: () => this.#connected(),
      onMessage: ({ replies }) => this.#settle(replies),
      onRoom: () => {
        this.#hasRoom = true;
        this.#flush();
      },
      onLost: (status) => this.#lost(status),
    });
    this.#shown =
      options.metrics &&
      showExchangeStats(options.metrics, options.name, this.#stats, () => ({
        pending: this.#waiting.size,
        connected: this.connected,
      }));
  }

  get state(): LinkState {
    return this.#link.state;
  }

  get connected(): boolean {
    return this.#link.state === "connected";
  }

  async call<C extends CaseOf<Req, Rep>>(
    kind: C,
    value: ValueOf<Req, C>,
    options: CallOptions<Req> = {},
  ): Promise<ValueOf<Rep, C>> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const request = {
      ...this.#options.blank,
      ...(this.#stampsTimeout && { timeoutMs }),
      ...options.extra,
      id: 0n,
      traceparent: options.traceparent ?? currentTraceparent(),
      body: { $case: kind, value },
    } as unknown as Req;
    const { body } = await this.#start(request, timeoutMs, options.signal);
    if (body?.$case === kind) return body.value as ValueOf<Rep, C>;
    throw refusal(this.name, kind, body);
  }

  callRaw(
    request: Omit<Req, "id">,
    options: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Rep> {
    return this.#start({ ...request, id: 0n } as Req, options.timeoutMs ?? this.#options.timeoutMs, options.signal);
  }

  onConnect(listener: () => void): Disposable {
    this.#onConnect.add(listener);
    if (this.connected) listener();
    return { [Symbol.dispose]: () => void this.#onConnect.delete(listener) };
  }

  onDisconnect(listener: () => void): Disposable {
    this.#onDisconnect.add(listener);
    return { [Symbol.dispose]: () => void this.#onDisconnect.delete(listener) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  #start(request: Req, timeoutMs: number, signal: AbortSignal | undefined): Promise<Rep> {
    return new Promise((resolve, reject) => {
      const number = this.#number + 1;
      request.id = BigInt(number);
      const bytes = this.#admit(request, signal);
      if (!(bytes instanceof Uint8Array)) {
        this.#stats.refused += 1;
        reject(bytes);
        return;
      }
      this.#stats.calls += 1;
      this.#number = number;
      const deadlineMs = performance.now() + timeoutMs;
      const call: WaitingCall<Rep> = {
        number,
        bytes,
        deadlineMs,
        resolve,
        reject,
        written: false,
        settled: false,
        stopListening: undefined,
      };
      if (signal) this.#listen(call, signal);
      this.#waiting.add(call);
      this.#queue.push(call);
      if (this.#queue.length > 2 * this.#waiting.size + 64) this.#dropSettled();
      this.#scheduleFlush();
    });
  }

  /** The request's bytes, or why it is not sent. */
  #admit(request: Req, signal: AbortSignal | undefined): Uint8Array | GuildhallError {
    if (this.#disposed !== undefined) return new GuildhallError("UNAVAILABLE", `the client of ${this.name} is closed`);
    if (signal?.aborted) return new GuildhallError("CANCELLED", "the caller has gone away");
    if (this.#waiting.size >= this.#options.maxPending) {
      return new GuildhallError("QUEUE_FULL", `${this.#waiting.size} requests wait for ${this.name}`);
    }
    let bytes: Uint8Array;
    try {
      bytes = this.#options.encode(request);
    } catch (cause) {
      return new GuildhallError("INTERNAL", `a request for ${this.name} cannot be encoded`, { cause });
    }
    if (bytes.length <= maxMessageBytes) return bytes;
    return new GuildhallError("PAYLOAD_TOO_LARGE", `a request of ${bytes.length} bytes is too large for ${this.name}`);
  }

  #listen(call: WaitingCall<Rep>, signal: AbortSignal): void {
    const onAbort = () => {
      this.#stats.failed += 1;
      this.#waiting.reject(call, new GuildhallError("CANCELLED", "the caller has gone away"));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    call.stopListening = () => signal.removeEventListener("abort", onAbort);
  }

  /** All calls of one turn of the event loop travel in one message. */
  #scheduleFlush(): void {
    if (this.#flushing || !this.#hasRoom) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#hasRoom) return;
    this.#dropSettled();
    const queue = this.#queue;
    let next = 0;
    while (this.#hasRoom && next < queue.length) {
      const batch = queue.slice(next, next + countInBatch(queue, next));
      next += batch.length;
      for (const call of batch) call.written = true;
      this.#stats.messages += 1;
      this.#hasRoom = this.#link.send(batch.map((call) => call.bytes));
    }
    this.#queue = queue.slice(next);
  }

  #dropSettled(): void {
    if (this.#queue.some((call) => call.settled)) this.#queue = this.#queue.filter((call) => !call.settled);
  }

  #connected(): void {
    this.#hasRoom = true;
    for (const listener of [...this.#onConnect]) listener();
    this.#flush();
  }

  #settle(replies: readonly Rep[]): void {
    for (const reply of replies) this.#waiting.take(reply.id)?.resolve(reply);
  }

  #lost(status: StatusObject): void {
    this.#hasRoom = false;
    this.#stats.lost += 1;
    const lastTaken = readLastTaken(status);
    const again: WaitingCall<Rep>[] = [];
    for (const call of this.#waiting.written()) {
      if (lastTaken !== undefined && call.number > lastTaken) {
        call.written = false;
        again.push(call);
      } else {
        this.#stats.failed += 1;
        this.#waiting.reject(
          call,
          new GuildhallError("STREAM_LOST", `the stream to ${this.name} broke before the answer: ${status.details}`),
        );
      }
    }
    this.#queue = [...again, ...this.#queue];
    for (const listener of [...this.#onDisconnect]) listener();
  }

  async #dispose(): Promise<void> {
    const closed = new GuildhallError("UNAVAILABLE", `the client of ${this.name} is closed`);
    for (const call of this.#queue) this.#waiting.reject(call, closed);
    this.#queue = [];
    this.#link.finish();
    const endMs = performance.now() + disposeWaitMs;
    while (this.#waiting.size > 0 && this.connected && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#link.close();
    for (const call of this.#waiting.all()) {
      this.#waiting.reject(call, new GuildhallError("STREAM_LOST", `the client of ${this.name} was closed`));
    }
    this.#shown?.[Symbol.dispose]();
    this.#options.close?.();
  }
}

function readLastTaken(status: StatusObject): number | undefined {
  const [value] = status.metadata.get(lastTakenKey);
  return typeof value === "string" ? Number(value) : undefined;
}

function refusal(name: string, kind: string, body: ExchangeReply["body"]): GuildhallError {
  if (body?.$case === "failure") return fromFailure(body.value as Failure);
  if (body?.$case === "notOwner") return new GuildhallError("NOT_OWNER", `${name} does not own the topic`);
  return new GuildhallError("INTERNAL", `${name} answered ${kind} with ${body?.$case ?? "nothing"}`);
}
