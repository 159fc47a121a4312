import type { SimProcess } from "../engine/sim-process.ts";
import type { Network } from "./network.ts";
import { type End, Way } from "./way.ts";

/*
 * A stream between two processes:
 *
 *   connecting ──accepted──▶ open ──either end ends or is lost──▶ closing ──the other end learns of it──▶ closed
 *       └──nobody listens──▶ closed
 *
 * What one end has sent arrives in order, also after that end is gone: a peer's end travels behind its last message. While
 * the way is blocked messages wait and arrive when it is free again. An end whose peer has not been heard of for the time
 * of a keepalive gives up; what it had sent may arrive all the same, much later.
 */

/** What a client's end is told. */
export interface ClientEvents<In> {
  onOpen(): void;
  onMessage(message: In): void;
  /** It is over, or could not be opened. */
  onLost(): void;
}

/** The end that opened the stream. */
export interface ClientEnd<Out, In> {
  start(events: ClientEvents<In>): void;
  send(message: Out): void;
  close(): void;
}

/** What a server's end is told. */
export interface ServerEvents<In> {
  onMessage(message: In): void;
  onClosed(): void;
}

/** The end that accepted the stream. */
export interface ServerEnd<In, Out> {
  readonly peer: string;
  /** Whether only bytes are carried. */
  readonly isWire: boolean;
  /** What was sent and has not arrived. */
  underWay(): readonly unknown[];
  start(events: ServerEvents<In>): void;
  send(message: Out): void;
  close(): void;
}

/** A stream, as the network sees it. */
export interface Stream {
  readonly client: string;
  readonly server: string;
  reset(): void;
  /** Blocks, or pauses of one of the processes, began or ended. */
  conditionsChanged(): void;
  /** One of its processes died without a word, and another runs in its place. */
  superseded(): void;
  readonly isHalfDead: boolean;
  touches(name: string): boolean;
}

const leastSilenceMs = 3_000;
const mostSilenceMs = 13_000;
const retransmitMs = 400;

/** Opens a stream; it waits while the way to its server is blocked. */
export function openStream<Out, In>(
  network: Network,
  client: SimProcess,
  address: string,
  service: string,
): ClientEnd<Out, In> {
  let connection: Connection | undefined;
  let events: ClientEvents<In> | undefined;
  let isClosed = false;
  const { engine } = network;

  const fail = (): void =>
    client.enter(() => {
      if (isClosed) return;
      isClosed = true;
      events?.onLost();
    });
  const attempt = (): void => {
    if (!client.isAlive || isClosed) return;
    const listener = network.listener(address);
    if (listener === undefined) {
      fail();
      return;
    }
    const { process: server, services } = listener;
    // It may be paused now, and dead before it accepts.
    server.onDeath(() => {
      engine.after(network.latencyMs(server.name, client.name), () => {
        if (connection === undefined) fail();
      });
    });
    if (network.isBlocked(client.name, server.name) || network.isBlocked(server.name, client.name)) {
      engine.after(retransmitMs * (0.5 + network.random.next()), attempt);
      return;
    }
    server.enter(() => {
      if (isClosed || !client.isAlive || connection !== undefined) return;
      const clientEnd: End = {
        process: client,
        isClosed: false,
        receive: (messages) => {
          for (const message of messages) if (!clientEnd.isClosed) events?.onMessage(message as In);
        },
        closed: () => {
          isClosed = true;
          events?.onLost();
        },
      };
      connection = new Connection(network, clientEnd, server, (serverEnd) => services[service]?.(serverEnd));
      connection.toClient.hello(() => events?.onOpen());
    });
  };

  return {
    start(given) {
      events = given;
      engine.after(network.latencyMs(client.name, address), attempt);
    },
    send(message) {
      connection?.toServer.send(message);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      connection?.closeClient();
    },
  };
}

/** An open stream: two ends and what is under way between them. */
class Connection implements Stream {
  readonly client: string;
  readonly server: string;
  readonly toServer: Way;
  readonly toClient: Way;
  readonly #network: Network;
  readonly #clientEnd: End;
  readonly #serverEnd: End;
  #impairedSinceMs: number | undefined;

  constructor(
    network: Network,
    clientEnd: End,
    server: SimProcess,
    accept: (end: ServerEnd<unknown, unknown>) => void,
  ) {
    this.#network = network;
    this.#clientEnd = clientEnd;
    this.client = clientEnd.process.name;
    this.server = server.name;
    let events: ServerEvents<unknown> | undefined;
    const serverEnd: End = {
      process: server,
      isClosed: false,
      receive: (messages) => {
        for (const message of messages) if (!serverEnd.isClosed) events?.onMessage(message);
      },
      closed: () => events?.onClosed(),
    };
    this.#serverEnd = serverEnd;
    this.toServer = new Way(network, clientEnd, serverEnd, { isReply: false, over: () => this.#over() });
    this.toClient = new Way(network, serverEnd, clientEnd, { isReply: true, over: () => this.#over() });
    network.add(this);
    for (const end of [clientEnd, serverEnd]) {
      end.process.onPause(() => this.conditionsChanged());
      end.process.onDeath(() => this.#died(end));
    }
    accept({
      peer: this.client,
      isWire: network.isWire,
      underWay: () => this.toClient.underWay,
      start(given) {
        events = given;
      },
      send: (message) => this.toClient.send(message),
      close: () => this.#endAt(serverEnd),
    });
    this.conditionsChanged();
  }

  get isHalfDead(): boolean {
    return [this.#clientEnd, this.#serverEnd].some(({ process }) => process.isSilent);
  }

  touches(name: string): boolean {
    return this.client === name || this.server === name;
  }

  closeClient(): void {
    this.#endAt(this.#clientEnd);
  }

  reset(): void {
    const { engine, random } = this.#network;
    for (const end of [this.#clientEnd, this.#serverEnd]) {
      engine.after(random.exponential(1), () => end.process.enter(() => this.#lose(end)));
    }
  }

  conditionsChanged(): void {
    const [client, server] = [this.#clientEnd.process, this.#serverEnd.process];
    const isImpaired =
      this.#network.isBlocked(this.client, this.server) ||
      this.#network.isBlocked(this.server, this.client) ||
      [client, server].some(({ isPaused, isSilent }) => isPaused || isSilent);
    this.toServer.flow();
    this.toClient.flow();
    if (!isImpaired) this.#impairedSinceMs = undefined;
    else this.#suspect();
  }

  /** Nothing is heard: an end whose silence lasts is over. */
  #suspect(): void {
    const { engine, random } = this.#network;
    if (this.#impairedSinceMs !== undefined) return;
    const sinceMs = engine.nowMs;
    this.#impairedSinceMs = sinceMs;
    for (const end of [this.#clientEnd, this.#serverEnd]) {
      engine.after(random.between(leastSilenceMs, mostSilenceMs), () => {
        if (this.#impairedSinceMs !== sinceMs || end.process.isPaused) return;
        end.process.enter(() => this.#lose(end));
      });
    }
  }

  /** An end gives up: its peer learns of that behind what is under way. */
  #lose(end: End): void {
    if (end.isClosed) return;
    this.#endAt(end);
    end.closed();
  }

  #endAt(end: End): void {
    if (end.isClosed) return;
    this.#wayFrom(end).end();
    end.isClosed = true;
    this.#over();
  }

  /** The system ends the streams of a process that is gone. */
  #died(end: End): void {
    if (end.isClosed) return;
    if (end.process.isSilent) this.#wayFrom(end).vanish();
    else this.#wayFrom(end).end();
    end.isClosed = true;
    this.#over();
    this.conditionsChanged();
  }

  /** The name runs again: it knows nothing of this stream, and says so. */
  superseded(): void {
    for (const end of [this.#clientEnd, this.#serverEnd]) {
      if (!end.isClosed) this.#network.engine.after(retransmitMs, () => end.process.enter(() => this.#lose(end)));
    }
  }

  #wayFrom(end: End): Way {
    return end === this.#clientEnd ? this.toServer : this.toClient;
  }

  #over(): void {
    if (this.#clientEnd.isClosed && this.#serverEnd.isClosed) this.#network.forget(this);
  }
}
