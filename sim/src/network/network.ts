import type { Engine } from "../engine/engine.ts";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { type ClientEnd, openStream, type ServerEnd, type Stream } from "./stream.ts";

/** Accepts the streams of one service. */
export type Accept = (server: ServerEnd<unknown, unknown>) => void;

/** How long a message takes, in milliseconds: at least, and the mean of what is added. */
export interface Latency {
  readonly leastMs: number;
  readonly meanMs: number;
}

/** A message on its way. */
export interface SentMessage {
  readonly from: string;
  readonly to: string;
  /** From the end that accepted the stream. */
  readonly isReply: boolean;
  readonly message: unknown;
}

/** The network between processes. Streams keep order and lose nothing while they last, as TCP does. */
export interface Network {
  readonly engine: Engine;
  readonly random: Random;
  /** Whether messages are written to bytes and read again on their way. */
  readonly isWire: boolean;
  /** From now on the process accepts streams to its address, until its end. */
  listen(address: string, process: SimProcess, services: Readonly<Record<string, Accept>>): void;
  /** Opens a stream to whoever listens at the address. */
  connect<Out, In>(client: SimProcess, address: string, service: string): ClientEnd<Out, In>;
  /** Whether messages from one name to another are held up. */
  isBlocked(from: string, to: string): boolean;
  /** Holds up what goes from one name to another ("*": from or to any) until disposed. */
  block(from: string, to: string): Disposable;
  /** Slows what goes from one name to another until disposed. */
  slow(from: string, to: string, addedMs: number): Disposable;
  /** Breaks all streams between two names ("*": any) at once, as a reset does: what is under way may or may not arrive. */
  reset(a: string, b: string): void;
  latencyMs(from: string, to: string): number;
  /** Hears of each message that is sent, until disposed. */
  watch(watcher: (sent: SentMessage) => void): Disposable;
  sent(sent: SentMessage): void;
  listener(
    address: string,
  ): { readonly process: SimProcess; readonly services: Readonly<Record<string, Accept>> } | undefined;
  add(stream: Stream): void;
  forget(stream: Stream): void;
}

/** Makes a network without faults. */
export function makeNetwork(engine: Engine, random: Random, latency: Latency, isWire = false): Network {
  return new SimNetwork(engine, random, latency, isWire);
}

interface Rule {
  readonly from: string;
  readonly to: string;
  readonly addedMs: number;
}

class SimNetwork implements Network {
  readonly engine: Engine;
  readonly random: Random;
  readonly isWire: boolean;
  readonly #streams = new Set<Stream>();
  readonly #latency: Latency;
  readonly #listeners = new Map<string, { process: SimProcess; services: Readonly<Record<string, Accept>> }>();
  readonly #blocks = new Set<Rule>();
  readonly #slows = new Set<Rule>();
  readonly #watchers = new Set<(sent: SentMessage) => void>();

  constructor(engine: Engine, random: Random, latency: Latency, isWire: boolean) {
    this.engine = engine;
    this.isWire = isWire;
    this.random = random;
    this.#latency = latency;
  }

  listen(address: string, process: SimProcess, services: Readonly<Record<string, Accept>>): void {
    // The rest of the turn in which it died.
    if (!process.isAlive) return;
    const listener = { process, services };
    this.#listeners.set(address, listener);
    for (const stream of this.#streams) if (stream.isHalfDead && stream.touches(process.name)) stream.superseded();
    process.onDeath(() => {
      if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
    });
  }

  listener(address: string) {
    return this.#listeners.get(address);
  }

  connect<Out, In>(client: SimProcess, address: string, service: string): ClientEnd<Out, In> {
    return openStream<Out, In>(this, client, address, service);
  }

  isBlocked(from: string, to: string): boolean {
    if (this.#blocks.size === 0) return false;
    for (const rule of this.#blocks) if (applies(rule, from, to)) return true;
    return false;
  }

  block(from: string, to: string): Disposable {
    const rule = { from, to, addedMs: 0 };
    this.#blocks.add(rule);
    this.#changed();
    return {
      [Symbol.dispose]: () => {
        if (this.#blocks.delete(rule)) this.#changed();
      },
    };
  }

  slow(from: string, to: string, addedMs: number): Disposable {
    const rule = { from, to, addedMs };
    this.#slows.add(rule);
    return { [Symbol.dispose]: () => void this.#slows.delete(rule) };
  }

  reset(a: string, b: string): void {
    for (const stream of [...this.#streams]) {
      if (isOne(a, stream.client) && isOne(b, stream.server)) stream.reset();
      else if (isOne(b, stream.client) && isOne(a, stream.server)) stream.reset();
    }
  }

  latencyMs(from: string, to: string): number {
    let ms = this.#latency.leastMs + this.random.exponential(this.#latency.meanMs);
    for (const rule of this.#slows) if (applies(rule, from, to)) ms += rule.addedMs * (0.5 + this.random.next());
    return ms;
  }

  watch(watcher: (sent: SentMessage) => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  sent(sent: SentMessage): void {
    for (const watcher of [...this.#watchers]) watcher(sent);
  }

  add(stream: Stream): void {
    this.#streams.add(stream);
  }

  forget(stream: Stream): void {
    this.#streams.delete(stream);
  }

  #changed(): void {
    for (const stream of [...this.#streams]) stream.conditionsChanged();
  }
}

function applies({ from, to }: Rule, a: string, b: string): boolean {
  return isOne(from, a) && isOne(to, b);
}

function isOne(pattern: string, name: string): boolean {
  return pattern === "*" || pattern === name;
}
