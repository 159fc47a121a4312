import type { Profile } from "@guildhall/proto";
import type { SocketMessage } from "../actors/gateway.ts";
import type { Evidence, SessionEvidence } from "../checks/evidence.ts";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import type { Network } from "../network/network.ts";
import type { ClientEnd } from "../network/stream.ts";

/*
 * States of a listener, as of a good client library:
 *
 *   away ──connect──▶ greeted by HELLO ──IDENTIFY, or RESUME when it has a session──▶ listening ──lost, told to──▶ away
 *                          ▲                                                │
 *                          └────────────── INVALID_SESSION: IDENTIFY, later ┘
 */

/** Who listens, and where. */
export interface ListenerOptions {
  readonly process: SimProcess;
  readonly profile: Profile;
  readonly token: string;
  /** undefined: a person. */
  readonly intents: number | undefined;
  /** Addresses; any of them takes the connection. */
  readonly gateways: readonly string[];
  readonly random: Random;
  readonly evidence: Evidence;
}

/** Somebody with a connection to a gateway. */
export interface Listener {
  readonly session: SessionEvidence | undefined;
  readonly isListening: boolean;
  /** Closes its connection and connects anew. */
  leave(): void;
}

interface Payload {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

const invalidSeq = 4007;
const timedOut = 4009;

/** Makes somebody who connects at once, and again whenever the connection is gone. */
export function startListener(network: Network, options: ListenerOptions): Listener {
  const listener = new Client(network, options);
  listener.connect();
  return listener;
}

class Client implements Listener {
  session: SessionEvidence | undefined;
  isListening = false;
  readonly #network: Network;
  readonly #options: ListenerOptions;
  #end: ClientEnd<SocketMessage, SocketMessage> | undefined;
  #isResuming = false;
  #resumeSentMs = 0;
  #beats: Disposable | undefined;

  constructor(network: Network, options: ListenerOptions) {
    this.#network = network;
    this.#options = options;
  }

  connect(): void {
    const { process, gateways, random } = this.#options;
    const end = this.#network.connect<SocketMessage, SocketMessage>(process, random.pick(gateways), "socket");
    this.#end = end;
    this.isListening = false;
    end.start({
      onOpen() {},
      onMessage: (message) => {
        if (this.#end !== end) return;
        if (message.is === "payload") this.#take(JSON.parse(message.text) as Payload);
        else this.#closed(message.code);
      },
      onLost: () => {
        if (this.#end === end) this.#closed(0);
      },
    });
  }

  #take({ op, d, s, t }: Payload): void {
    switch (op) {
      case 0:
        this.#dispatched(s as number, t as string, d as Record<string, unknown>);
        break;
      case 7:
        this.leave();
        break;
      case 9:
        this.#invalid();
        break;
      case 10:
        this.#greeted((d as { heartbeat_interval: number }).heartbeat_interval);
        break;
      default:
        break;
    }
  }

  #greeted(beatMs: number): void {
    const { process } = this.#options;
    this.#beats?.[Symbol.dispose]();
    this.#beats = process.timers.every(beatMs, () => this.#send(1, this.session?.dispatches.at(-1)?.s ?? null));
    if (this.session === undefined) this.#identify();
    else this.#resume(this.session);
  }

  #identify(): void {
    const { token, intents } = this.#options;
    const properties = { os: "sim", browser: "sim", device: "sim" };
    this.#isResuming = false;
    this.#send(2, { token, properties, ...(intents !== undefined && { intents }) });
  }

  #resume({ sessionId, dispatches }: SessionEvidence): void {
    this.#isResuming = true;
    this.#resumeSentMs = this.#options.evidence.nowMs;
    this.#send(6, { token: this.#options.token, session_id: sessionId, seq: dispatches.at(-1)?.s ?? 0 });
  }

  #dispatched(s: number, t: string, d: Readonly<Record<string, unknown>>): void {
    const { evidence, profile, intents } = this.#options;
    if (t === "READY") {
      this.session = {
        ...{ userId: profile.id, isBot: intents !== undefined, sessionId: String(d.session_id) },
        ...{ beganMs: evidence.nowMs, dispatches: [], resumes: [], lostMs: undefined, isRefused: false },
      };
      evidence.sessions.push(this.session);
      evidence.count("sessions begun");
    }
    this.isListening = true;
    this.session?.dispatches.push({ s, t, d, atMs: evidence.nowMs });
    if (t === "RESUMED" && this.#isResuming) {
      this.#isResuming = false;
      this.session?.resumes.push({ askedMs: this.#resumeSentMs, atMs: evidence.nowMs });
      evidence.count("sessions resumed");
    }
    evidence.note(() => `${profile.username} gets ${s} ${t} ${JSON.stringify(d).slice(0, 120)}`);
  }

  /** Its session is over: after a while it begins a new one on the same connection. */
  #invalid(): void {
    const { evidence, process, random, profile } = this.#options;
    const wasResuming = this.#isResuming;
    evidence.note(() => `${profile.username} hears INVALID_SESSION${wasResuming ? " for its RESUME" : ""}`);
    if (this.session !== undefined) {
      this.session.lostMs = evidence.nowMs;
      this.session.isRefused = wasResuming;
      evidence.count("sessions lost");
    }
    this.session = undefined;
    this.isListening = false;
    const end = this.#end;
    process.timers.after(random.between(200, 1_000), () => {
      if (this.#end === end) this.#identify();
    });
  }

  #closed(code: number): void {
    const { process, random, evidence, profile } = this.#options;
    evidence.note(() => `${profile.username} is off (${code})`);
    if ((code === invalidSeq || code === timedOut || code === 1000) && this.session !== undefined) {
      this.session.lostMs = evidence.nowMs;
      evidence.count("sessions lost");
      this.session = undefined;
    }
    this.#end = undefined;
    this.isListening = false;
    this.#beats?.[Symbol.dispose]();
    process.timers.after(random.between(20, 600), () => {
      if (this.#end === undefined) this.connect();
    });
  }

  leave(): void {
    const end = this.#end;
    end?.send({ is: "close", code: 4_000 });
    end?.close();
    this.#closed(0);
  }

  #send(op: number, d: unknown): void {
    this.#end?.send({ is: "payload", text: JSON.stringify({ op, d }) });
  }
}
