import type { Engine } from "./engine.ts";

/*
 * States of a simulated process, which is one incarnation of a name:
 *
 *   running ──pause()──▶ paused ──resume()──▶ running
 *      └──crash() from either──▶ dead
 *
 * Nothing runs in a paused process; what comes meanwhile (timers that fall due, messages) waits, in order. After a pause
 * its monotonic clock has gone on ("stopped": a signal) or has not ("frozen": its machine was). Nothing ever comes out of
 * a dead process, and nothing gets in: its promises stay as they are.
 */

/** How a process is held up. */
export type PauseKind = "stopped" | "frozen";

/** Time as a process sees it. */
export interface ProcessClock {
  nowMs(): number;
  nowUs(): bigint;
  monotonicMs(): number;
}

/** Timers that end with their process. */
export interface ProcessTimers {
  after(ms: number, work: () => void): Disposable;
  every(ms: number, work: () => void): Disposable;
  soon(work: () => void): void;
}

/** One incarnation of a process. */
export interface SimProcess {
  readonly name: string;
  readonly incarnation: string;
  readonly isAlive: boolean;
  readonly isPaused: boolean;
  /** It died together with its machine: nobody is told. */
  readonly isSilent: boolean;
  readonly clock: ProcessClock;
  readonly timers: ProcessTimers;
  /** Runs work in the process: now, after its pause, or never. */
  enter(work: () => void): void;
  /** Whether what the process does now reaches the world. Counts as one effect. */
  acts(): boolean;
  pause(kind: PauseKind): void;
  resume(): void;
  /** `silently`: as its machine does when the power goes. */
  crash(silently?: boolean): void;
  /** Lets it crash in the middle of a turn: after so many further effects. */
  crashAfter(effects: number): void;
  /** Called once, when it is dead; at once when it is. */
  onDeath(listener: () => void): void;
  /** Called when it is paused or goes on. */
  onPause(listener: () => void): void;
}

/** What a process is made of. `wallAtStartMs`: what its machine's clock shows now; `rate`: of its clock, about 1. */
export interface SimProcessOptions {
  readonly name: string;
  readonly incarnation: string;
  readonly engine: Engine;
  readonly wallAtStartMs: number;
  readonly rate: number;
  /** Something was thrown that nothing in the process caught: a real one would end. */
  readonly onUncaught: (error: unknown) => void;
}

/** Starts a process. */
export function makeSimProcess(options: SimProcessOptions): SimProcess {
  return new Incarnation(options);
}

const leastMs = 1e-3;

class Incarnation implements SimProcess {
  readonly name: string;
  readonly incarnation: string;
  readonly clock: ProcessClock;
  readonly timers: ProcessTimers;
  isAlive = true;
  isSilent = false;
  readonly #options: SimProcessOptions;
  readonly #startedMs: number;
  #pause: { readonly kind: PauseKind; readonly sinceMs: number } | undefined;
  #frozenMs = 0;
  #waiting: (() => void)[] = [];
  #effectsLeft = Number.POSITIVE_INFINITY;
  readonly #onDeath: (() => void)[] = [];
  readonly #onPause: (() => void)[] = [];

  constructor(options: SimProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.incarnation = options.incarnation;
    this.#startedMs = options.engine.nowMs;
    // As the system's clock does: the machine's time at the start of the process, and monotonic time from there.
    const nowMs = (): number => options.wallAtStartMs + this.#elapsedMs();
    this.clock = {
      nowMs,
      nowUs: () => BigInt(Math.floor(nowMs() * 1_000)),
      monotonicMs: () => this.#elapsedMs(),
    };
    this.timers = {
      after: (ms, work) => this.#after(ms, work),
      every: (ms, work) => this.#every(ms, work),
      soon: (work) => void options.engine.after(0, () => this.enter(work)),
    };
  }

  get isPaused(): boolean {
    return this.#pause !== undefined;
  }

  enter(work: () => void): void {
    if (!this.isAlive) return;
    if (this.#pause !== undefined) {
      this.#waiting.push(work);
      return;
    }
    try {
      work();
    } catch (error) {
      this.#options.onUncaught(error);
    }
  }

  acts(): boolean {
    if (!this.isAlive) return false;
    if (this.#effectsLeft <= 0) {
      this.crash();
      return false;
    }
    this.#effectsLeft--;
    return true;
  }

  pause(kind: PauseKind): void {
    if (!this.isAlive || this.#pause !== undefined) return;
    this.#pause = { kind, sinceMs: this.#options.engine.nowMs };
    for (const listener of this.#onPause) listener();
  }

  resume(): void {
    if (!this.isAlive || this.#pause === undefined) return;
    const { kind, sinceMs } = this.#pause;
    this.#pause = undefined;
    const { engine } = this.#options;
    if (kind === "frozen") this.#frozenMs += engine.nowMs - sinceMs;
    for (const listener of this.#onPause) listener();
    this.#drain();
  }

  crash(silently = false): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.isSilent = silently;
    this.#pause = undefined;
    this.#waiting = [];
    for (const listener of this.#onDeath) listener();
  }

  crashAfter(effects: number): void {
    this.#effectsLeft = effects;
  }

  onDeath(listener: () => void): void {
    if (this.isAlive) this.#onDeath.push(listener);
    else listener();
  }

  onPause(listener: () => void): void {
    this.#onPause.push(listener);
  }

  /** What waited runs in order, each in a turn of its own, before anything that comes now. */
  #drain(): void {
    const [first, ...rest] = this.#waiting;
    this.#waiting = [];
    if (first === undefined) return;
    this.enter(first);
    if (rest.length === 0 || !this.isAlive) return;
    this.#waiting = rest;
    if (this.#pause !== undefined) return;
    // Held until all has run: what arrives in this moment comes after.
    this.#pause = { kind: "stopped", sinceMs: this.#options.engine.nowMs };
    this.#options.engine.after(0, () => {
      if (!this.isAlive) return;
      this.#pause = undefined;
      this.#drain();
    });
  }

  #elapsedMs(): number {
    const { engine, rate } = this.#options;
    const frozenNow = this.#pause?.kind === "frozen" ? engine.nowMs - this.#pause.sinceMs : 0;
    return (engine.nowMs - this.#startedMs - this.#frozenMs - frozenNow) * rate;
  }

  #after(ms: number, work: () => void): Disposable {
    const { engine, rate } = this.#options;
    // As real timers do it is never early, not by the last bit of a sum either: who waits for the rest would wait for ever.
    const dueMs = this.#elapsedMs() + (ms > 0 ? Math.max(leastMs, ms) : 0);
    let isCancelled = false;
    let event: Disposable | undefined;
    const arm = (): void => {
      event = engine.after((dueMs - this.#elapsedMs()) / rate, fire);
    };
    const fire = (): void => {
      if (!this.isAlive || isCancelled) return;
      // A pause may have put it off: by its own clock it is not due.
      this.enter(() => {
        if (isCancelled) return;
        if (this.#elapsedMs() < dueMs - 1e-6) arm();
        else work();
      });
    };
    arm();
    return {
      [Symbol.dispose]() {
        isCancelled = true;
        event?.[Symbol.dispose]();
      },
    };
  }

  #every(ms: number, work: () => void): Disposable {
    let isCancelled = false;
    let timer: Disposable | undefined;
    const arm = (): void => {
      timer = this.#after(Math.max(1, ms), () => {
        if (isCancelled) return;
        arm();
        work();
      });
    };
    arm();
    return {
      [Symbol.dispose]() {
        isCancelled = true;
        timer?.[Symbol.dispose]();
      },
    };
  }
}
