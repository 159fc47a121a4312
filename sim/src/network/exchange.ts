import { GuildhallError, isErrorCode, toGuildhallError } from "@guildhall/errors";
import { type Encodable, encodeMessage, type Failure } from "@guildhall/proto";
import type { SimProcess } from "../engine/sim-process.ts";
import type { Accept, Network } from "./network.ts";
import type { ClientEnd } from "./stream.ts";

/** A request or a reply of any service. */
export interface Message {
  id: bigint;
  body: { $case: string; value: unknown } | undefined;
}

type BodyOf<M extends Message> = NonNullable<M["body"]>;
type CaseOf<Req extends Message, Rep extends Message> = BodyOf<Req>["$case"] & BodyOf<Rep>["$case"];
type ValueOf<M extends Message, C extends string> = Extract<BodyOf<M>, { $case: C }>["value"];

/** How one call differs from the client's usual. */
export interface CallOptions<Req extends Message> {
  readonly timeoutMs?: number | undefined;
  readonly traceparent?: string | undefined;
  readonly extra?: Partial<Omit<Req, "id" | "traceparent" | "body">> | undefined;
}

/** One peer's Exchange stream, for ever; the outcomes of a call are those of the real client. */
export interface SimClient<Req extends Message, Rep extends Message> {
  readonly connected: boolean;
  call<C extends CaseOf<Req, Rep>>(
    kind: C,
    value: ValueOf<Req, C>,
    options?: CallOptions<Req>,
  ): Promise<ValueOf<Rep, C>>;
  callRaw(request: Omit<Req, "id">, options?: { readonly timeoutMs?: number | undefined }): Promise<Rep>;
  onConnect(listener: () => void): Disposable;
  onDisconnect(listener: () => void): Disposable;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a client is made of. */
export interface SimClientOptions {
  readonly process: SimProcess;
  readonly address: string;
  readonly service: string;
  readonly maxPending?: number;
  readonly timeoutMs?: number;
  readonly blank?: object;
}

interface Waiting<Rep> {
  readonly number: number;
  readonly request: Message;
  readonly deadlineMs: number;
  resolve(reply: Rep): void;
  reject(error: GuildhallError): void;
  isWritten: boolean;
}

const firstPauseMs = 50;
const mostPauseMs = 2_000;
const sweepMs = 50;

/** Makes a client and begins to connect; it reconnects for ever, with bounded backoff. */
export function makeSimClient<Req extends Message, Rep extends Message>(
  network: Network,
  options: SimClientOptions,
): SimClient<Req, Rep> {
  return new Client<Req, Rep>(network, options);
}

class Client<Req extends Message, Rep extends Message> implements SimClient<Req, Rep> {
  connected = false;
  readonly #network: Network;
  readonly #options: SimClientOptions;
  readonly #calls = new Map<number, Waiting<Rep>>();
  readonly #onConnect = new Set<() => void>();
  readonly #onDisconnect = new Set<() => void>();
  #end: ClientEnd<Message, Rep> | undefined;
  #number = 0;
  #pauseMs = firstPauseMs;
  #isClosed = false;
  #sweep: Disposable | undefined;

  constructor(network: Network, options: SimClientOptions) {
    this.#network = network;
    this.#options = options;
    this.#connect();
  }

  async call<C extends CaseOf<Req, Rep>>(
    kind: C,
    value: ValueOf<Req, C>,
    options: CallOptions<Req> = {},
  ): Promise<ValueOf<Rep, C>> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 10_000;
    const { blank = {} } = this.#options;
    const stamped = "timeoutMs" in blank ? { ...blank, timeoutMs } : blank;
    const request = { ...stamped, ...options.extra, traceparent: "", body: { $case: kind, value } };
    const { body } = await this.callRaw(request as unknown as Omit<Req, "id">, { timeoutMs });
    if (body?.$case === kind) return body.value as ValueOf<Rep, C>;
    if (body?.$case === "failure") throw fromFailure(body.value as Failure);
    if (body?.$case === "notOwner") throw new GuildhallError("NOT_OWNER", "the topic is another's");
    throw new GuildhallError("INTERNAL", `${kind} was answered with ${body?.$case ?? "nothing"}`);
  }

  callRaw(
    request: Omit<Req, "id">,
    { timeoutMs = this.#options.timeoutMs ?? 10_000 }: { readonly timeoutMs?: number | undefined } = {},
  ): Promise<Rep> {
    const { process, maxPending = 8_192, address } = this.#options;
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new GuildhallError("UNAVAILABLE", `the client of ${address} is closed`));
      if (this.#calls.size >= maxPending)
        return reject(new GuildhallError("QUEUE_FULL", `too many wait for ${address}`));
      this.#number++;
      const waiting: Waiting<Rep> = {
        number: this.#number,
        request: { ...request, id: BigInt(this.#number) } as Message,
        deadlineMs: process.clock.monotonicMs() + timeoutMs,
        resolve,
        reject,
        isWritten: false,
      };
      this.#calls.set(waiting.number, waiting);
      this.#sweep ??= process.timers.after(sweepMs, () => this.#expire());
      if (this.connected) this.#write(waiting);
    });
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.connected = false;
    this.#end?.close();
    for (const waiting of this.#calls.values()) {
      const code = waiting.isWritten ? "STREAM_LOST" : "UNAVAILABLE";
      waiting.reject(new GuildhallError(code, "the client was closed"));
    }
    this.#calls.clear();
  }

  #connect(): void {
    if (this.#isClosed) return;
    const { process, address, service } = this.#options;
    const end = this.#network.connect<Message, Rep>(process, address, service);
    this.#end = end;
    end.start({
      onOpen: () => {
        if (this.#end === end) this.#opened();
      },
      onMessage: (reply) => this.#settle(reply),
      onLost: () => {
        if (this.#end === end) this.#lost();
      },
    });
  }

  #opened(): void {
    if (this.#isClosed) return;
    this.connected = true;
    this.#pauseMs = firstPauseMs;
    for (const listener of [...this.#onConnect]) listener();
    for (const waiting of this.#calls.values()) if (!waiting.isWritten) this.#write(waiting);
  }

  #write(waiting: Waiting<Rep>): void {
    waiting.isWritten = true;
    this.#end?.send(waiting.request);
  }

  #settle(reply: Rep): void {
    const number = Number(reply.id);
    const waiting = this.#calls.get(number);
    if (waiting === undefined) return;
    this.#calls.delete(number);
    waiting.resolve(reply);
  }

  #lost(): void {
    const wasConnected = this.connected;
    this.connected = false;
    this.#end = undefined;
    if (this.#isClosed) return;
    const { process, address } = this.#options;
    for (const waiting of [...this.#calls.values()]) {
      if (!waiting.isWritten) continue;
      this.#calls.delete(waiting.number);
      waiting.reject(new GuildhallError("STREAM_LOST", `the stream to ${address} broke before the answer`));
    }
    if (wasConnected) for (const listener of [...this.#onDisconnect]) listener();
    const pauseMs = this.#pauseMs * (1 - this.#network.random.next() / 2);
    this.#pauseMs = Math.min(mostPauseMs, this.#pauseMs * 2);
    process.timers.after(pauseMs, () => this.#connect());
  }

  #expire(): void {
    this.#sweep = undefined;
    const { process, address } = this.#options;
    const nowMs = process.clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiting of [...this.#calls.values()]) {
      if (waiting.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, waiting.deadlineMs);
        continue;
      }
      this.#calls.delete(waiting.number);
      const code = waiting.isWritten ? "DEADLINE_EXCEEDED" : "UNAVAILABLE";
      waiting.reject(new GuildhallError(code, `${address} did not answer in time`));
    }
    if (this.#calls.size > 0) {
      this.#sweep = process.timers.after(Math.max(sweepMs, nextMs - nowMs), () => this.#expire());
    }
  }
}

/** How the messages of a service are written and read. */
export interface Codec<Req, Rep> {
  readonly request: MessageCodec<Req>;
  readonly reply: MessageCodec<Rep>;
}

interface MessageCodec<M> extends Encodable<M> {
  decode(bytes: Uint8Array): M;
}

/**
 * Answers requests as the real server does: each by itself, what is thrown as `failure`. On a network that carries bytes
 * only, both are written and read again, so that nothing is shared that could not be.
 */
export function serveSimExchange<Req extends Message, Rep extends Message>(
  handle: (request: Req, peer: string) => Promise<Rep["body"]> | Rep["body"],
  codec?: Codec<Req, Rep>,
): Accept {
  return (end) => {
    const carry = <M>(type: MessageCodec<M> | undefined, message: M): M =>
      type === undefined || !end.isWire ? message : type.decode(encodeMessage(type, message));
    const reply = ({ id }: Message, body: Message["body"]): void => end.send(carry(codec?.reply, { id, body } as Rep));
    end.start({
      onMessage(message) {
        const request = carry(codec?.request, message as Req);
        Promise.try(() => handle(request, end.peer)).then(
          (body) => reply(request, body),
          (error: unknown) => reply(request, { $case: "failure", value: toFailure(error) }),
        );
      },
      onClosed() {},
    });
  };
}

/** How an error travels. */
export function toFailure(error: unknown): Failure {
  const { code, message, fields = [], retryAfterMs = 0 } = toGuildhallError(error);
  return { code, message, fields: fields.map((field) => ({ ...field, path: [...field.path] })), retryAfterMs };
}

/** The error that a peer answered with. */
export function fromFailure({ code, message, fields, retryAfterMs }: Failure): GuildhallError {
  return new GuildhallError(isErrorCode(code) ? code : "INTERNAL", message, {
    ...(fields.length > 0 && { fields }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}
