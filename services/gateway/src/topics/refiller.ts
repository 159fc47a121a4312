import { isGuildhallError } from "@guildhall/errors";
import type { Clock, Timers } from "@guildhall/lifecycle";
import type { Followed, TopicReads } from "./followed.ts";

/** What the refiller uses. */
export interface RefillerPorts {
  readonly reads: TopicReads;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onDone: (result: "filled" | "too old" | "given up") => void;
}

// An owner's failover takes 10 s at most; after this long the events are held to be gone.
const patienceMs = 60_000;
const maxEventsAsked = 512;
const minPauseMs = 50;
const maxPauseMs = 2_000;

/** Fetches the events that a topic is missing. One ask at a time for each topic. */
export class Refiller {
  readonly #ports: RefillerPorts;

  constructor(ports: RefillerPorts) {
    this.#ports = ports;
  }

  /** Asks for what a topic is missing, if it is. */
  check(followed: Followed): void {
    if (followed.isRefilling || followed.order.missing() === undefined) return;
    followed.isRefilling = true;
    this.#fill(followed)
      .then((result) => {
        followed.isRefilling = false;
        this.#ports.onDone(result);
        if (result !== "filled") followed.lose();
        // What came in the meantime may have left another gap.
        else this.check(followed);
      })
      .catch(() => {
        followed.isRefilling = false;
        followed.lose();
      });
  }

  async #fill(followed: Followed): Promise<"filled" | "too old" | "given up"> {
    const { order } = followed;
    let endMs = this.#ports.clock.monotonicMs() + patienceMs;
    let pauseMs = minPauseMs;
    for (let range = order.missing(); range !== undefined; range = order.missing()) {
      const { from, to } = range;
      const outcome = await this.#ask(followed, { from, to: Math.min(to, from + maxEventsAsked - 1) });
      if (outcome === "too old") return "too old";
      if (outcome === "more" || order.lastSeq >= from) {
        endMs = this.#ports.clock.monotonicMs() + patienceMs;
        pauseMs = minPauseMs;
        continue;
      }
      if (this.#ports.clock.monotonicMs() >= endMs) return "given up";
      await this.#pause(pauseMs);
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    }
    return "filled";
  }

  async #ask(followed: Followed, range: { from: number; to: number }): Promise<"more" | "nothing" | "too old"> {
    try {
      const events = await this.#ports.reads.refill(followed, range);
      for (const event of events) followed.order.offer(event);
      return events.some(({ seq }) => seq === range.from) ? "more" : "nothing";
    } catch (error) {
      return isGuildhallError(error) && error.code === "TOO_OLD" ? "too old" : "nothing";
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#ports.timers.after(ms, resolve));
  }
}
