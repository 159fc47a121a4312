import { makeEventQueue, type QueuedEvent } from "./event-queue.ts";
import type { Random } from "./random.ts";

/** Virtual time: one queue of events for everything that happens anywhere. */
export interface Engine {
  /** Milliseconds since the beginning. */
  readonly nowMs: number;
  readonly events: number;
  /** Runs `run` at a moment; disposing prevents that. Among events of one moment the seed decides the order. */
  at(atMs: number, run: () => void): Disposable;
  after(ms: number, run: () => void): Disposable;
  /**
   * Lets everything happen that is due by `untilMs`: after each event all promises that it settled run to their end. Ends
   * early once `isOver` says so. Rejects with what an event throws, and with an EndlessError when there is no end to it.
   */
  run(untilMs: number, isOver?: () => boolean): Promise<void>;
}

/** More happened than can be meant: something goes on and on without time passing, or nearly so. */
export class EndlessError extends Error {}

// The longest runs have some hundred thousand.
const maxEvents = 10_000_000;

/** Makes an engine at time 0. */
export function makeEngine(random: Random, limits = { maxEvents }): Engine {
  return new VirtualTime(random, limits.maxEvents);
}

class VirtualTime implements Engine {
  nowMs = 0;
  events = 0;
  readonly #random: Random;
  readonly #maxEvents: number;
  readonly #queue = makeEventQueue();
  #number = 0;

  constructor(random: Random, maxEvents: number) {
    this.#random = random;
    this.#maxEvents = maxEvents;
  }

  at(atMs: number, run: () => void): Disposable {
    this.#number++;
    const event: QueuedEvent & Disposable = {
      atMs: Math.max(atMs, this.nowMs),
      tie: this.#random.next(),
      number: this.#number,
      run,
      isCancelled: false,
      [Symbol.dispose]() {
        event.isCancelled = true;
      },
    };
    this.#queue.push(event);
    return event;
  }

  after(ms: number, run: () => void): Disposable {
    return this.at(this.nowMs + ms, run);
  }

  run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      // Between two turns of the real event loop every settled promise has run on: that is the barrier between events.
      const turn = (): void => {
        try {
          const event = isOver() ? undefined : this.#queue.take(untilMs);
          if (event === undefined) {
            if (!isOver()) this.nowMs = Math.max(this.nowMs, untilMs);
            resolve();
            return;
          }
          this.nowMs = event.atMs;
          this.events++;
          if (this.events > this.#maxEvents) throw new EndlessError(`${this.events} events by ${this.nowMs} ms`);
          event.run();
        } catch (error) {
          reject(error as Error);
          return;
        }
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }
}
