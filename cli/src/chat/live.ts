import { WebSocket } from "ws";

/** What happens on a live connection. */
export interface LiveEvents {
  readonly onDispatch: (type: string, data: unknown) => void;
  readonly onState: (state: "connected" | "resumed" | "reconnecting") => void;
  /** The server will not have this session back. */
  readonly onRefused: (reason: string) => void;
}

interface Frame {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

/** Close codes after which coming back is of no use. */
const finalCloseCodes = new Set([4004, 4010, 4011, 4012, 4013, 4014]);
const backoffMs = [250, 500, 1000, 2000, 5000];

/** A gateway session of a person: identifies, beats, and resumes when the connection breaks. */
export class LiveSession implements Disposable {
  readonly #url: string;
  readonly #token: string;
  readonly #events: LiveEvents;
  #socket: WebSocket | undefined;
  #beat: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #acked = true;
  #seq: number | null = null;
  #session: { readonly id: string; readonly url: string } | undefined;
  #attempts = 0;
  #closed = false;

  constructor(url: string, token: string, events: LiveEvents) {
    this.#url = url;
    this.#token = token;
    this.#events = events;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearInterval(this.#beat);
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
  }

  #connect(): void {
    const base = this.#session?.url ?? this.#url;
    const socket = new WebSocket(`${base}/?v=10&encoding=json`, { handshakeTimeout: 10_000 });
    this.#socket = socket;
    socket.on("message", (data) => this.#take(JSON.parse(String(data)) as Frame));
    // "close" follows each error and decides what to do.
    socket.on("error", () => {});
    socket.on("close", (code) => this.#onClose(socket, code));
  }

  #onClose(socket: WebSocket, code: number): void {
    if (this.#closed || socket !== this.#socket) return;
    clearInterval(this.#beat);
    if (finalCloseCodes.has(code)) {
      this.#closed = true;
      this.#events.onRefused(`the gateway closed the session (${code})`);
      return;
    }
    // A gateway that cannot be reached may be gone for good: the shared address knows others.
    if (this.#attempts >= 2) this.#session = undefined;
    const waitMs = backoffMs[Math.min(this.#attempts, backoffMs.length - 1)] ?? 5000;
    this.#attempts += 1;
    this.#events.onState("reconnecting");
    this.#retry = setTimeout(() => this.#connect(), waitMs);
  }

  #take({ op, d, s, t }: Frame): void {
    if (op === 0) this.#dispatch(t ?? "", d, s);
    else if (op === 1) this.#send(1, this.#seq);
    else if (op === 7) this.#socket?.close(4000);
    else if (op === 9) this.#invalid(d === true);
    else if (op === 10) this.#hello((d as { heartbeat_interval: number }).heartbeat_interval);
    else if (op === 11) this.#acked = true;
  }

  #dispatch(type: string, data: unknown, seq: number | null): void {
    if (seq !== null) this.#seq = seq;
    if (type === "READY") {
      const { session_id: id, resume_gateway_url: url } = data as { session_id: string; resume_gateway_url: string };
      this.#session = { id, url };
      this.#events.onState("connected");
    } else if (type === "RESUMED") {
      this.#events.onState("resumed");
    }
    this.#attempts = 0;
    this.#events.onDispatch(type, data);
  }

  #hello(intervalMs: number): void {
    clearInterval(this.#beat);
    this.#acked = true;
    this.#beat = setInterval(() => {
      if (!this.#acked) this.#socket?.terminate();
      this.#acked = false;
      this.#send(1, this.#seq);
    }, intervalMs);
    if (this.#session === undefined || this.#seq === null) this.#identify();
    else this.#send(6, { token: this.#token, session_id: this.#session.id, seq: this.#seq });
  }

  #invalid(resumable: boolean): void {
    if (!resumable) {
      this.#session = undefined;
      this.#seq = null;
    }
    this.#identify();
  }

  #identify(): void {
    const properties = { os: process.platform, browser: "guildhall", device: "guildhall" };
    this.#send(2, { token: this.#token, properties });
  }

  #send(op: number, d: unknown): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ op, d }));
  }
}
