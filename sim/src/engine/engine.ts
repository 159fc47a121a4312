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
   * early once `isOver` says so. Rejects with what an event throws.
   */
  run(untilMs: number, isOver?: () => boolean): Promise<void>;
}

/** Makes an engine at time 0. */
export function makeEngine(random: Random): Engine {
  return new VirtualTime(random);
}

class VirtualTime implements Engine {
  nowMs = 0;
  events = 0;
  readonly #random: Random;
  readonly #queue = makeEventQueue();
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
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
