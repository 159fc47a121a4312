import { waitFor } from "@guildhall/testing";
import type { GatewayDispatchPayload, GatewayReadyDispatchData } from "discord-api-types/v10";
import { type Compression, type Frame, type GatewaySocket, openGatewaySocket } from "./gateway-socket.ts";

/** The names of the events. */
export type EventName = `${GatewayDispatchPayload["t"]}`;
/** The data of a dispatch, by the name of its event. */
export type DataOf<T extends EventName> = { [P in GatewayDispatchPayload as `${P["t"]}`]: P["d"] }[T];

/** An event as a session got it. */
export interface Dispatch {
  readonly t: string;
  readonly s: number;
  readonly d: unknown;
  /** The whole payload as it came. */
  readonly text: string;
  /** Which session of the witness got it: 0, then 1 after it had to identify anew. */
  readonly session: number;
}

/** Who watches, and how. */
export interface WitnessOptions {
  /** Address of the gateway. */
  readonly url: string;
  readonly token: string;
  /** Left out: none are said, as people do. */
  readonly intents?: number;
  readonly compress?: Compression | undefined;
  readonly shard?: readonly [number, number];
  readonly largeThreshold?: number;
  /** Whether to reconnect by itself, by RESUME and else anew, as long as it takes. */
  readonly persistent?: boolean;
  /** What to keep of each dispatch, for sessions that get very many; left out: all of it. */
  readonly trim?: (dispatch: Dispatch) => Dispatch;
}

const waitMs = 20_000;
const pauseMs = 50;

/**
 * A client's session that keeps every dispatch in order. States: connecting → live → dropped → (resuming | connecting)
 * → live … It beats as HELLO asks.
 */
export class Witness implements AsyncDisposable {
  readonly dispatches: Dispatch[] = [];
  readonly options: WitnessOptions;
  /** READY of the present session. */
  ready: GatewayReadyDispatchData | undefined;
  /** How often a session was resumed, and a lost one replaced. */
  resumes = 0;
  session = 0;
  seq = 0;
  #socket: GatewaySocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;
  #keeping: Promise<void> | undefined;

  constructor(options: WitnessOptions) {
    this.options = options;
  }

  /** Connects, and resolves when READY and the guilds that it names have come. */
  static async connect(options: WitnessOptions): Promise<Witness> {
    const witness = new Witness(options);
    try {
      await witness.identify();
    } catch (error) {
      await witness[Symbol.asyncDispose]();
      throw error;
    }
    if (options.persistent) witness.#keeping = witness.#keepAlive();
    return witness;
  }

  /** The present connection. */
  get socket(): GatewaySocket {
    if (this.#socket === undefined) throw new Error("not connected yet");
    return this.#socket;
  }

  /** Begins a new session. */
  async identify(): Promise<void> {
    const from = this.mark;
    if (from > 0) this.session += 1;
    this.ready = undefined;
    this.seq = 0;
    const { token, intents, shard, largeThreshold, url } = this.options;
    const socket = await this.#open(url);
    socket.send({
      op: 2,
      d: {
        token,
        properties: { os: "linux", browser: "guildhall-e2e", device: "guildhall-e2e" },
        ...(intents === undefined ? {} : { intents }),
        ...(shard === undefined ? {} : { shard }),
        ...(largeThreshold === undefined ? {} : { large_threshold: largeThreshold }),
      },
    });
    const { guilds } = await this.#until(() => this.ready, "READY", socket);
    if (intents !== undefined && (intents & 1) === 0) return;
    // People are given their guilds whole in READY, bots one after another.
    const due = guilds.filter(({ unavailable }) => unavailable).map(({ id }) => id);
    const areThere = () => {
      const come = this.dispatches.slice(from).filter(isGuild);
      return due.every((id) => come.some(({ d }) => (d as { id: string }).id === id));
    };
    await this.#until(areThere, "the guilds of READY", socket);
  }

  /** Takes up the session on a new connection; resolves with false when the gateway says that it is gone. */
  async resume(): Promise<boolean> {
    const { ready, resumes } = this;
    if (ready === undefined) return false;
    const socket = await this.#open(ready.resume_gateway_url);
    socket.send({ op: 6, d: { token: this.options.token, session_id: ready.session_id, seq: this.seq } });
    const isGone = () => socket.frames.some(({ op }) => op === 9);
    await this.#until(() => isGone() || this.resumes > resumes, "RESUMED", socket);
    return !isGone();
  }

  /** Cuts the connection as a network does; what had arrived by then stays. */
  async drop(): Promise<void> {
    clearInterval(this.#timer);
    this.socket.drop();
    await this.socket.untilClosed();
  }

  /** How many dispatches have come: `from` for what comes later. */
  get mark(): number {
    return this.dispatches.length;
  }

  /** The first dispatch of a type, of those after `from`, that matches. */
  async next<T extends EventName>(
    type: T,
    matches: (data: DataOf<T>) => boolean = () => true,
    from = 0,
  ): Promise<DataOf<T>> {
    const find = () => this.dispatches.slice(from).find(({ t, d }) => t === type && matches(d as DataOf<T>));
    const found = await this.#until(find, type, this.options.persistent ? undefined : this.socket);
    return found.d as DataOf<T>;
  }

  /** A guild as the present session was first given it. */
  async guild(id: string): Promise<DataOf<"GUILD_CREATE">> {
    const given = this.ready?.guilds.find((guild) => guild.id === id);
    if (given !== undefined && !given.unavailable) return given as unknown as DataOf<"GUILD_CREATE">;
    return await this.next("GUILD_CREATE", (guild) => guild.id === id);
  }

  /** Names of the events that came after `from`. */
  namesSince(from: number): string[] {
    return this.dispatches.slice(from).map(({ t }) => t);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearInterval(this.#timer);
    this.#socket?.close(1000);
    this.#socket?.drop();
    await this.#keeping;
  }

  /** Waits for a condition; gives up when `socket` ends before. */
  async #until<T>(condition: () => T, what: string, socket?: GatewaySocket): Promise<NonNullable<T>> {
    let lost = false;
    const check = () => {
      // Asked in this order: what arrived before the end counts.
      const ended = socket?.closed !== undefined;
      const value = condition();
      lost = !value && ended;
      return value || lost;
    };
    const value = await waitFor(check, { timeoutMs: waitMs }).catch(() => undefined);
    if (value !== undefined && !lost) return value as NonNullable<T>;
    const how = lost ? `closed with ${socket?.closed?.code} ${socket?.closed?.reason}` : `not within ${waitMs} ms`;
    const last = this.dispatches.slice(-10).map(({ t }) => t);
    throw new Error(`${what}: ${how}; the last events were ${last.join(", ") || "none"}`);
  }

  async #open(url: string): Promise<GatewaySocket> {
    clearInterval(this.#timer);
    this.#socket?.drop();
    const socket = await openGatewaySocket(url, {
      compress: this.options.compress,
      onFrame: (frame) => this.#take(frame),
      keepsDispatches: this.options.trim === undefined,
    });
    this.#socket = socket;
    const hello = await socket.expect(({ op }) => op === 10);
    const { heartbeat_interval: intervalMs } = hello.d as { heartbeat_interval: number };
    this.#timer = setInterval(() => {
      if (socket.closed === undefined) socket.send({ op: 1, d: this.seq === 0 ? null : this.seq });
    }, intervalMs / 2);
    return socket;
  }

  #take({ op, t, s, d, text }: Frame): void {
    if (op !== 0) return;
    this.seq = s as number;
    const dispatch = { t: t as string, s: s as number, d, text, session: this.session };
    this.dispatches.push(this.options.trim?.(dispatch) ?? dispatch);
    if (t === "READY") this.ready = d as GatewayReadyDispatchData;
    if (t === "RESUMED") this.resumes += 1;
  }

  async #keepAlive(): Promise<void> {
    while (!this.#disposed) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const { socket } = this;
      if (this.#disposed || (socket.closed === undefined && !socket.frames.some(({ op }) => op === 7))) continue;
      // Refused, cut again, or too slow: the next turn tries again.
      await this.#reconnect().catch(() => this.#socket?.drop());
    }
  }

  async #reconnect(): Promise<void> {
    // Like discord.js: a session whose gateway refuses connections is given up.
    const isResumed = await this.resume().catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") return false;
      throw error;
    });
    if (!isResumed && !this.#disposed) await this.identify();
  }
}

function isGuild({ t }: Dispatch): boolean {
  return t === "GUILD_CREATE" || t === "GUILD_DELETE";
}
