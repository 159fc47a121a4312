import type { FrontAnswer, FrontMessage, Timers } from "@guildhall/lifecycle";

/*
 * A process, as connections are handed to it:
 *
 *   stale ──ping──▶ asked ──"here"──▶ fresh ──300 ms──▶ stale
 *                     │                 └──socket──▶ asked        (one message at a time is not answered yet)
 *                     └──no answer──▶ it stays asked, and is passed over
 *
 * A process that hangs thus keeps at most one connection that it does not know of yet. Nobody is asked anything while no
 * connection waits.
 */

/** A process that takes connections. */
export interface Taker<S> {
  readonly name: string;
  send(message: FrontMessage, socket?: S): void;
}

/** What handing over uses. */
export interface HandOverPorts<S> {
  nowMs(): number;
  readonly timers: Pick<Timers, "after">;
  /** Nobody took the connection. */
  giveUp(socket: S): void;
}

/** How long connections may wait, and how many. */
export interface HandOverLimits {
  readonly waiting: number;
  readonly waitMs: number;
}

/** What became of connections, since the start. */
export interface HandOverCounts {
  readonly handed: ReadonlyMap<string, number>;
  readonly waiting: number;
  readonly givenUp: number;
}

interface State<S> {
  readonly taker: Taker<S>;
  sent: number;
  answered: number;
  /** When what is not answered was sent, or the last answer came. */
  sentMs: number;
  heardMs: number;
  isOnlyPinged: boolean;
}

interface Waiting<S> {
  readonly socket: S;
  readonly sinceMs: number;
}

const usualLimits: HandOverLimits = { waiting: 4_096, waitMs: 10_000 };
const freshMs = 300;
// So long the one whose turn it is is waited for, when another has answered.
const patienceMs = 20;
const askAgainMs = 100;

/** Hands connections to processes in turn, to those only that have just shown that they live. */
export class HandOver<S> {
  readonly #ports: HandOverPorts<S>;
  readonly #limits: HandOverLimits;
  /** In order of turns: who was given the last one is last. */
  readonly #takers: State<S>[] = [];
  readonly #handed = new Map<string, number>();
  readonly #waiting: Waiting<S>[] = [];
  #givenUp = 0;
  #timer: Disposable | undefined;
  #isClosed = false;

  constructor(ports: HandOverPorts<S>, limits: HandOverLimits = usualLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get counts(): HandOverCounts {
    return { handed: this.#handed, waiting: this.#waiting.length, givenUp: this.#givenUp };
  }

  /** A process takes connections from now on. */
  add(taker: Taker<S>): void {
    this.remove(taker.name);
    const long = Number.NEGATIVE_INFINITY;
    this.#takers.unshift({ taker, sent: 0, answered: 0, sentMs: long, heardMs: long, isOnlyPinged: false });
    this.#run();
  }

  /** A process takes none any more. */
  remove(name: string): void {
    const place = this.#takers.findIndex(({ taker }) => taker.name === name);
    if (place >= 0) this.#takers.splice(place, 1);
  }

  /** A process has said something. */
  heard(name: string, answer: FrontAnswer): void {
    if (answer.front === "draining") {
      this.remove(name);
      return;
    }
    const state = this.#takers.find(({ taker }) => taker.name === name);
    // What an earlier process of this name was asked counts for nothing.
    if (state === undefined || answer.n > state.sent) return;
    state.answered = answer.n;
    state.heardMs = this.#ports.nowMs();
    this.#run();
  }

  /** A connection has come. */
  offer(socket: S): void {
    if (this.#isClosed || this.#waiting.length >= this.#limits.waiting) {
      this.#giveUp(socket);
      return;
    }
    this.#waiting.push({ socket, sinceMs: this.#ports.nowMs() });
    this.#run();
  }

  /** Gives up what waits, and tells every process that nothing more comes. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    for (const { socket } of this.#waiting.splice(0)) this.#giveUp(socket);
    for (const { taker } of this.#takers.splice(0)) taker.send({ front: "closed" });
  }

  #run(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const nowMs = this.#ports.nowMs();
    this.#dropOld(nowMs);
    for (let next = this.#waiting.at(0); next !== undefined; next = this.#waiting.at(0)) {
      const state = this.#choose(nowMs);
      if (state === undefined) {
        this.#askAll(nowMs);
        return;
      }
      this.#waiting.shift();
      this.#hand(state, next.socket, nowMs);
    }
  }

  #choose(nowMs: number): State<S> | undefined {
    for (const state of this.#takers) {
      const isAsked = state.answered < state.sent;
      if (!isAsked && nowMs - state.heardMs <= freshMs) return state;
      if (isAsked && state.isOnlyPinged && nowMs - state.sentMs < patienceMs) return undefined;
    }
    return undefined;
  }

  #hand(state: State<S>, socket: S, nowMs: number): void {
    this.#takers.splice(this.#takers.indexOf(state), 1);
    this.#takers.push(state);
    const { taker } = state;
    this.#handed.set(taker.name, (this.#handed.get(taker.name) ?? 0) + 1);
    state.isOnlyPinged = false;
    state.sentMs = nowMs;
    taker.send({ front: "socket", n: ++state.sent }, socket);
  }

  /** Nobody is known to live, or free: asks all who have nothing to answer yet, and looks again. */
  #askAll(nowMs: number): void {
    let isPatient = false;
    for (const state of this.#takers) {
      if (state.answered === state.sent && nowMs - state.heardMs > freshMs) {
        state.isOnlyPinged = true;
        state.sentMs = nowMs;
        state.taker.send({ front: "ping", n: ++state.sent });
      }
      isPatient ||= state.answered < state.sent && state.isOnlyPinged && nowMs - state.sentMs < patienceMs;
    }
    this.#timer = this.#ports.timers.after(isPatient ? patienceMs : askAgainMs, () => this.#run());
  }

  #dropOld(nowMs: number): void {
    const fresh = this.#waiting.findIndex(({ sinceMs }) => nowMs - sinceMs < this.#limits.waitMs);
    for (const { socket } of this.#waiting.splice(0, fresh < 0 ? this.#waiting.length : fresh)) this.#giveUp(socket);
  }

  #giveUp(socket: S): void {
    this.#givenUp++;
    this.#ports.giveUp(socket);
  }
}
