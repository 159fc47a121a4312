import type { FrontAnswer, FrontMessage, Timers } from "@guildhall/lifecycle";

/*
 * A process, as connections are handed to it:
 *
 *   stale ──ping──▶ asked ──"here"──▶ fresh ──300 ms──▶ stale
 *                     │                 └──socket──▶ asked        (one socket at a time is not answered yet)
 *                     ├──no answer──▶ it stays asked, and is passed over
 *                     └──it ends──▶ what it has not answered is the next one's
 *
 * A process that hangs thus keeps at most one connection that it does not know of yet. Nobody is asked anything while no
 * connection waits or is on its way. Every message is answered by itself and in order: an answer to a later one tells that an earlier one
 * never arrived (its process had no file descriptor left).
 */

/** A process that takes connections. */
export interface Taker<S> {
  readonly name: string;
  /** The socket stays open here, too, until it is dropped. */
  send(message: FrontMessage, socket?: S): void;
}

/** What handing over uses. */
export interface HandOverPorts<S> {
  nowMs(): number;
  readonly timers: Pick<Timers, "after">;
  /** A connection is another process's now, or nobody took it. */
  drop(socket: S): void;
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

interface Waiting<S> {
  readonly socket: S;
  readonly sinceMs: number;
}

interface State<S> {
  readonly taker: Taker<S>;
  sent: number;
  answered: number;
  /** When the last message was sent, and the last answer came. */
  sentMs: number;
  heardMs: number;
  /** What was given with message `n`, not answered yet. */
  given: (Waiting<S> & { readonly n: number }) | undefined;
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
  /** Those that are given nothing more, and have not ended. */
  readonly #leaving: State<S>[] = [];
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
    this.ended(taker.name);
    if (this.#isClosed) {
      taker.send({ front: "closed" });
      return;
    }
    const long = Number.NEGATIVE_INFINITY;
    this.#takers.unshift({ taker, sent: 0, answered: 0, sentMs: long, heardMs: long, given: undefined });
    this.#run();
  }

  /** A process takes none any more. */
  remove(name: string): void {
    this.#leaving.push(...takeByName(this.#takers, name));
  }

  /** A process has ended, and all that it said has been heard. */
  ended(name: string): void {
    const states = [...takeByName(this.#takers, name), ...takeByName(this.#leaving, name)];
    for (const state of states) this.#takeBack(state);
    if (states.length > 0) this.#run();
  }

  /** A process has said something. */
  heard(name: string, answer: FrontAnswer): void {
    if (answer.front === "draining") {
      this.remove(name);
      return;
    }
    const state = [...this.#takers, ...this.#leaving].find(({ taker }) => taker.name === name);
    if (state === undefined || answer.n > state.sent) return;
    state.answered = answer.n;
    state.heardMs = this.#ports.nowMs();
    const { given } = state;
    if (given !== undefined && given.n === answer.n) {
      state.given = undefined;
      this.#handed.set(name, (this.#handed.get(name) ?? 0) + 1);
      this.#ports.drop(given.socket);
    } else if (given !== undefined && given.n < answer.n) {
      this.#takeBack(state);
    }
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    for (const { socket } of this.#waiting.splice(0)) this.#giveUp(socket);
    for (const { taker } of [...this.#takers, ...this.#leaving]) taker.send({ front: "closed" });
    this.#leaving.push(...this.#takers.splice(0));
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
      this.#hand(state, next, nowMs);
    }
    this.#watchGiven(nowMs);
  }

  /** What was given last may not have arrived, with nobody to come after it by whom that would show. */
  #watchGiven(nowMs: number): void {
    this.#askOverdue(nowMs);
    if (!this.#takers.some(isUnasked)) return;
    this.#timer = this.#ports.timers.after(askAgainMs, () => this.#run());
  }

  /** Whose turn it is; undefined while that is not known. */
  #choose(nowMs: number): State<S> | undefined {
    for (const state of this.#takers) {
      if (isFree(state)) return nowMs - state.heardMs <= freshMs ? state : undefined;
      if (isAwaited(state, nowMs)) return undefined;
    }
    return undefined;
  }

  #hand(state: State<S>, next: Waiting<S>, nowMs: number): void {
    this.#takers.splice(this.#takers.indexOf(state), 1);
    this.#takers.push(state);
    const n = ++state.sent;
    state.given = { ...next, n };
    state.sentMs = nowMs;
    state.taker.send({ front: "socket", n }, next.socket);
  }

  /** Nobody is known to live, or free: asks all of whom that may be said again, and looks once more. */
  #askAll(nowMs: number): void {
    for (const state of this.#takers) if (isFree(state) && nowMs - state.heardMs > freshMs) ping(state, nowMs);
    this.#askOverdue(nowMs);
    const isPatient = this.#takers.some((state) => isAwaited(state, nowMs));
    this.#timer = this.#ports.timers.after(isPatient ? patienceMs : askAgainMs, () => this.#run());
  }

  /** Who has not answered hangs, or what it was given has not arrived: one question tells, asked once. */
  #askOverdue(nowMs: number): void {
    for (const state of this.#takers) if (isUnasked(state) && nowMs - state.sentMs >= askAgainMs) ping(state, nowMs);
  }

  /** What a process was given and has not taken is the next one's. */
  #takeBack(state: State<S>): void {
    const { given } = state;
    state.given = undefined;
    if (given === undefined) return;
    if (this.#isClosed) this.#giveUp(given.socket);
    else this.#waiting.unshift(given);
  }

  #dropOld(nowMs: number): void {
    const fresh = this.#waiting.findIndex(({ sinceMs }) => nowMs - sinceMs < this.#limits.waitMs);
    for (const { socket } of this.#waiting.splice(0, fresh < 0 ? this.#waiting.length : fresh)) this.#giveUp(socket);
  }

  #giveUp(socket: S): void {
    this.#givenUp++;
    this.#ports.drop(socket);
  }
}

function isFree<S>({ sent, answered }: State<S>): boolean {
  return answered === sent;
}

/** Whether it was given something last, and not asked about it since. */
function isUnasked<S>({ given, sent }: State<S>): boolean {
  return given?.n === sent;
}

function ping<S>(state: State<S>, nowMs: number): void {
  state.sentMs = nowMs;
  state.taker.send({ front: "ping", n: ++state.sent });
}

/** Whether it was asked just now: its answer is worth waiting for. */
function isAwaited<S>(state: State<S>, nowMs: number): boolean {
  return !isFree(state) && state.given === undefined && nowMs - state.sentMs < patienceMs;
}

function takeByName<S>(states: State<S>[], name: string): State<S>[] {
  const found = states.filter(({ taker }) => taker.name === name);
  for (const state of found) states.splice(states.indexOf(state), 1);
  return found;
}
