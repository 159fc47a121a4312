import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import type { Metrics } from "@guildhall/telemetry";
import { type Chunks, countInBatch, type Encode, encoderOf, maxMessageBytes } from "./batch-codec.ts";
import {
  type ExchangeReply,
  type ExchangeRequest,
  lastTakenKey,
  type ReplyBatch,
  type RequestBatch,
} from "./exchange-message.ts";
import { toFailure } from "./failure.ts";
import { readStreamProcess } from "./grpc-client.ts";

/** What a handler knows of the asker. */
export interface ExchangeCall {
  readonly traceparent: string;
  /** Aborts when the asker's stream is gone: nobody will read the answer. */
  readonly signal: AbortSignal;
  /** The process that asks, e.g. "router-0", or its network address. */
  readonly peer: string;
}

/** How requests are answered. */
export interface ServeExchangeOptions<Req extends ExchangeRequest, Rep extends ExchangeReply> {
  /** Answers one request; what it throws is answered as `failure`. */
  readonly handle: (request: Req, call: ExchangeCall) => Promise<Rep["body"]> | Rep["body"];
  /** Most requests in work at once, over all streams; those above are answered QUEUE_FULL. */
  readonly limit: { readonly inFlight: number };
  /** Told of each error that a handler threw, and of each answer that could not be sent. */
  readonly onError?: (error: unknown, request: Req) => void;
  readonly metrics?: Metrics | undefined;
}

/** A gRPC handler whose streams can be ended in order. */
export interface ExchangeHandler<Req, Rep> extends handleBidiStreamingCall<RequestBatch<Req>, ReplyBatch<Rep>> {
  /** Takes nothing new, answers what it has, and ends every stream. Resolves when all have ended. */
  drain(): Promise<void>;
}

type ChunkedCall<Req> = ServerDuplexStream<RequestBatch<Req>, Chunks>;

interface Shared<Req extends ExchangeRequest, Rep extends ExchangeReply> {
  readonly options: ServeExchangeOptions<Req, Rep>;
  readonly streams: Set<ServedStream<Req, Rep>>;
  inFlight: number;
  refused: number;
  draining: boolean;
}

/** Makes the gRPC handler of a service's Exchange. */
export function serveExchange<Req extends ExchangeRequest, Rep extends ExchangeReply>(
  options: ServeExchangeOptions<Req, Rep>,
): ExchangeHandler<Req, Rep> {
  const shared: Shared<Req, Rep> = { options, streams: new Set(), inFlight: 0, refused: 0, draining: false };
  if (options.metrics) showServed(options.metrics, shared);
  const handler = (call: ServerDuplexStream<RequestBatch<Req>, ReplyBatch<Rep>>): void => {
    new ServedStream(call as unknown as ChunkedCall<Req>, shared, encoderOf(call));
  };
  const drain = async (): Promise<void> => {
    shared.draining = true;
    await Promise.all([...shared.streams].map((stream) => stream.finish()));
  };
  return Object.assign(handler, { drain });
}

function showServed(metrics: Metrics, shared: { readonly inFlight: number; readonly refused: number }): void {
  const inFlight = metrics.gauge("guildhall_rpc_served_in_flight", "Requests in work.");
  const refused = metrics.counter("guildhall_rpc_served_refused_total", "Requests answered QUEUE_FULL.");
  let shownRefused = 0;
  metrics.beforeRead(() => {
    inFlight.set(shared.inFlight);
    refused.inc(shared.refused - shownRefused);
    shownRefused = shared.refused;
  });
}

/** One asker's stream. */
class ServedStream<Req extends ExchangeRequest, Rep extends ExchangeReply> {
  readonly #call: ChunkedCall<Req>;
  readonly #shared: Shared<Req, Rep>;
  readonly #encode: Encode<ReplyBatch<Rep>>;
  readonly #gone = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #peer: string;
  #replies: { readonly bytes: Uint8Array }[] = [];
  /** Taken here and not yet written: what still runs, and what waits to be written. */
  #open = 0;
  #lastTaken = 0n;
  #flushing = false;
  #hasRoom = true;
  #finishing = false;

  constructor(call: ChunkedCall<Req>, shared: Shared<Req, Rep>, encode: Encode<ReplyBatch<Rep>>) {
    this.#encode = encode;
    this.#call = call;
    this.#shared = shared;
    this.#peer = readStreamProcess(call.metadata) || call.getPeer();
    shared.streams.add(this);
    call.on("data", ({ requests }: RequestBatch<Req>) => this.#take(requests));
    call.on("drain", () => this.#room());
    call.on("end", () => void this.finish());
    call.on("error", () => this.#close());
    call.on("close", () => this.#close());
    call.on("cancelled", () => this.#close());
    if (shared.draining) void this.finish();
  }

  /** Answers what was taken, then ends the stream. */
  finish(): Promise<void> {
    this.#finishing = true;
    this.#endIfDone();
    return this.#ended.promise;
  }

  #take(requests: readonly Req[]): void {
    if (this.#finishing && this.#shared.draining) return;
    for (const request of requests) this.#start(request);
  }

  #start(request: Req): void {
    const { options } = this.#shared;
    this.#lastTaken = request.id;
    this.#open += 1;
    this.#shared.inFlight += 1;
    if (this.#shared.inFlight > options.limit.inFlight) {
      this.#shared.refused += 1;
      this.#fail(request, new GuildhallError("QUEUE_FULL", `${options.limit.inFlight} requests are in work`));
      return;
    }
    try {
      const answer = options.handle(request, {
        traceparent: request.traceparent,
        signal: this.#gone.signal,
        peer: this.#peer,
      });
      if (isPromise(answer)) {
        answer.then(
          (body) => this.#reply(request, body),
          (error) => this.#report(request, error),
        );
      } else {
        this.#reply(request, answer);
      }
    } catch (error) {
      this.#report(request, error);
    }
  }

  #report(request: Req, error: unknown): void {
    this.#shared.options.onError?.(error, request);
    this.#fail(request, error);
  }

  #fail(request: Req, error: unknown): void {
    this.#reply(request, { $case: "failure", value: toFailure(error) });
  }

  #reply(request: Req, body: Rep["body"]): void {
    if (this.#gone.signal.aborted) {
      this.#shared.inFlight -= 1;
      return;
    }
    this.#replies.push({ bytes: this.#encodeReply(request, body) });
    if (this.#flushing || !this.#hasRoom) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #encodeReply(request: Req, body: Rep["body"]): Uint8Array {
    const { id } = request;
    let refused: GuildhallError;
    try {
      const bytes = this.#encode({ replies: [{ id, body } as Rep] });
      if (bytes.length <= maxMessageBytes) return bytes;
      refused = new GuildhallError("PAYLOAD_TOO_LARGE", `an answer of ${bytes.length} bytes is too large`);
    } catch (cause) {
      refused = new GuildhallError("INTERNAL", "the answer cannot be encoded", { cause });
    }
    this.#shared.options.onError?.(refused, request);
    return this.#encode({ replies: [{ id, body: { $case: "failure", value: toFailure(refused) } } as Rep] });
  }

  /** All replies of one turn of the event loop travel in one message. */
  #flush(): void {
    const replies = this.#replies;
    let next = 0;
    while (this.#hasRoom && next < replies.length) {
      const batch = replies.slice(next, next + countInBatch(replies, next));
      next += batch.length;
      this.#hasRoom = this.#call.write(batch.map(({ bytes }) => bytes));
      this.#open -= batch.length;
      this.#shared.inFlight -= batch.length;
      // An asker that does not read its answers is not read from either.
      if (!this.#hasRoom) this.#call.pause();
    }
    this.#replies = replies.slice(next);
    this.#endIfDone();
  }

  #room(): void {
    if (this.#gone.signal.aborted) return;
    this.#hasRoom = true;
    this.#call.resume();
    this.#flush();
  }

  #endIfDone(): void {
    if (!this.#finishing || this.#open > 0 || this.#gone.signal.aborted) return;
    const trailers = new Metadata();
    trailers.set(lastTakenKey, String(this.#lastTaken));
    this.#call.end(trailers);
    this.#close();
  }

  #close(): void {
    if (this.#gone.signal.aborted) return;
    this.#shared.streams.delete(this);
    this.#shared.inFlight -= this.#replies.length;
    this.#replies = [];
    this.#gone.abort();
    this.#ended.resolve();
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}
