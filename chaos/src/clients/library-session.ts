import { type Compression, type Frame, type GatewaySocket, openGatewaySocket } from "@guildhall/e2e";
import { SeenMessages } from "./seen-messages.ts";

/** Whose session it is, and how it connects. */
export interface LibrarySessionOptions {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** Left out: none are said, as people do. */
  readonly intents?: number;
  readonly compress: Compression | undefined;
  /** Channels that must never be shown to it. */
  readonly hidden: ReadonlySet<string>;
}

/** A time without a session that hears (ms since the epoch). */
export interface Absence {
  readonly fromMs: number;
  readonly toMs: number;
  readonly how: "resumed" | "lost";
}

/** One frame's data, of the parts that are looked at. */
interface Shown {
  readonly id?: string;
  readonly channel_id?: string;
  readonly session_id?: string;
  readonly resume_gateway_url?: string;
  readonly heartbeat_interval?: number;
}

const patienceMs = 20_000;
const firstPauseMs = 100;
const lastPauseMs = 2_000;
// Close codes after which libraries begin a new session.
const fatalCodes: ReadonlySet<number> = new Set([1000, 1001, 4003, 4004, 4007, 4009]);

/*
 * States, as discord.js and its kin have them:
 *
 *   identifying ──READY──▶ live ──closed, RECONNECT, no heartbeat ack──▶ resuming ──RESUMED──▶ live
 *        ▲                   └──closed with a code that ends it──┐          │ └──no answer, reset──▶ resuming
 *        └────────────────────── lost ◀──────────────────────────┴──────────┴──INVALID_SESSION false, refused
 */

/** A client's session that reconnects by itself, as libraries do, and looks at what it is shown. */
export class LibrarySession implements AsyncDisposable {
  readonly options: LibrarySessionOptions;
  readonly absences: Absence[] = [];
  /** What it was shown that it must not be, or not so. */
  readonly problems: string[] = [];
  /** Why sessions were lost, one entry each. */
  readonly losses: string[] = [];
  resumes = 0;
  isLive = false;
  readonly #seen = new Map<string, SeenMessages>();
  #s = 0;
  #id = "";
  #url: string;
  #socket: GatewaySocket | undefined;
  #isAcked = true;
  #timer: NodeJS.Timeout | undefined;
  #awaySinceMs: number | undefined;
  #answer: PromiseWithResolvers<"live" | "invalid" | "again" | "over"> | undefined;
  #isDisposed = false;
  #loop: Promise<void> | undefined;

  constructor(options: LibrarySessionOptions) {
    this.options = options;
    this.#url = options.url;
  }

  /** Begins, and resolves when READY has come. */
  async start(): Promise<void> {
    if (!(await this.#connect("identify"))) throw new Error(`${this.options.name}: no READY`);
    this.#loop = this.#keepAlive();
  }

  /** The messages of a channel, in the order in which they were shown. */
  seen(channelId: string): BigUint64Array {
    return this.#seen.get(channelId)?.ids() ?? new BigUint64Array();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    clearInterval(this.#timer);
    this.#socket?.close(1000);
    this.#answer?.resolve("over");
    await this.#loop;
    this.#socket?.drop();
  }

  async #keepAlive(): Promise<void> {
    while (!this.#isDisposed) {
      const closed = await this.#untilOver();
      if (this.#isDisposed) return;
      this.isLive = false;
      this.#awaySinceMs ??= Date.now();
      if (fatalCodes.has(closed)) this.#lose(`closed with ${closed}`);
      await this.#comeBack();
    }
  }

  /** Resolves with the close code once the connection is of no use any more: 0 when the client gave it up. */
  async #untilOver(): Promise<number> {
    for (;;) {
      const { closed } = this.#socket ?? {};
      if (this.#isDisposed || this.#socket === undefined) return 0;
      if (closed !== undefined) return closed.code;
      await sleep(25);
    }
  }

  async #comeBack(): Promise<void> {
    for (let pauseMs = firstPauseMs; !this.#isDisposed; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
      if (await this.#connect(this.#id === "" ? "identify" : "resume")) return;
      await sleep(pauseMs);
    }
  }

  /** One try; false when there is to be another. */
  async #connect(how: "identify" | "resume"): Promise<boolean> {
    clearInterval(this.#timer);
    this.#socket?.drop();
    this.#socket = undefined;
    this.#answer = Promise.withResolvers();
    const answer = this.#answer;
    try {
      const socket = await openGatewaySocket(how === "resume" ? this.#url : this.options.url, {
        compress: this.options.compress,
        keepsDispatches: false,
        onFrame: (frame) => this.#take(frame, answer),
      });
      this.#socket = socket;
      this.#isAcked = true;
      const hello = await within(socket.expect(({ op }) => op === 10));
      this.#beat(socket, (hello.d as Shown).heartbeat_interval ?? patienceMs);
      socket.send(how === "resume" ? this.#resume() : this.#identify());
      void socket.untilClosed().then(
        () => answer.resolve("again"),
        () => {},
      );
      const outcome = await within(answer.promise);
      if (outcome === "invalid") {
        socket.close(4000);
        this.#lose("INVALID_SESSION");
      }
      if (outcome === "live") this.#arrived(how);
      return outcome === "live";
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // discord.js gives a session up whose gateway refuses connections.
      if (how === "resume" && code === "ECONNREFUSED") this.#lose("refused");
      return false;
    }
  }

  #arrived(how: "identify" | "resume"): void {
    this.isLive = true;
    if (how === "resume") this.resumes += 1;
    if (this.#awaySinceMs === undefined) return;
    this.absences.push({
      fromMs: this.#awaySinceMs,
      toMs: Date.now(),
      how: how === "resume" ? "resumed" : "lost",
    });
    this.#awaySinceMs = undefined;
  }

  #lose(why: string): void {
    if (this.#id === "") return;
    this.losses.push(`${new Date().toISOString()} ${why}, at s ${this.#s}`);
    this.#id = "";
    this.#s = 0;
  }

  #take({ op, t, s, d }: Frame, answer: PromiseWithResolvers<"live" | "invalid" | "again" | "over">): void {
    if (op === 0) this.#show(t ?? "", s ?? 0, d as Shown, answer);
    else if (op === 11) this.#isAcked = true;
    else if (op === 9) answer.resolve(d === true ? "again" : "invalid");
    else if (op === 7) this.#socket?.drop();
  }

  #show(name: string, s: number, shown: Shown, answer: PromiseWithResolvers<"live" | "invalid" | "again" | "over">) {
    if (s !== this.#s + 1) this.problems.push(`${name} came with s ${s} where ${this.#s + 1} was due`);
    this.#s = s;
    const { channel_id: channelId } = shown;
    if (channelId !== undefined && this.options.hidden.has(channelId)) {
      this.problems.push(`${name} of the hidden channel ${channelId} was shown`);
    }
    if (name === "MESSAGE_CREATE" && channelId !== undefined) {
      const seen = this.#seen.get(channelId) ?? new SeenMessages();
      this.#seen.set(channelId, seen);
      seen.add(BigInt(shown.id ?? 0));
    } else if (name === "READY") {
      this.#id = shown.session_id ?? "";
      this.#url = shown.resume_gateway_url ?? this.options.url;
      answer.resolve("live");
    } else if (name === "RESUMED") {
      answer.resolve("live");
    }
  }

  #beat(socket: GatewaySocket, everyMs: number): void {
    this.#timer = setInterval(() => {
      if (socket.closed !== undefined) return;
      if (!this.#isAcked) {
        socket.drop();
        return;
      }
      this.#isAcked = false;
      socket.send({ op: 1, d: this.#s === 0 ? null : this.#s });
    }, everyMs);
  }

  #identify(): object {
    const { token, intents } = this.options;
    const properties = { os: "linux", browser: "guildhall-chaos", device: "guildhall-chaos" };
    return { op: 2, d: { token, properties, ...(intents === undefined ? {} : { intents }) } };
  }

  #resume(): object {
    return { op: 6, d: { token: this.options.token, session_id: this.#id, seq: this.#s } };
  }
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`nothing came within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
