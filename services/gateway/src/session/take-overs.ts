import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import { type Refusal, type TakenOver, TakeOver, type Wanted } from "./take-over.ts";

interface UnderWay {
  readonly takeOver: TakeOver;
  readonly done: Promise<unknown>;
}

// The store fails for a moment: clients are not sent away for it.
const tries = 4;
const minPauseMs = 50;

/** The sessions that this gateway is about to take over from others; each once at a time. */
export class TakeOvers {
  readonly #underWay = new Map<string, UnderWay>();

  get count(): number {
    return this.#underWay.size;
  }

  /** Resolves when a takeover of that session has come to its end; undefined when there is none under way. */
  underWay(sessionId: string): Promise<unknown> | undefined {
    return this.#underWay.get(sessionId)?.done;
  }

  /** Another gateway has claimed a session: one that is not ours yet is given up. */
  forbid(sessionId: string, generation: number): void {
    this.#underWay.get(sessionId)?.takeOver.forbid(generation);
  }

  /** Takes a session over; `adopt` makes it ours in the turn in which it was found that it is. */
  async bring(
    context: GatewayContext,
    wanted: Wanted,
    adopt: (taken: TakenOver) => Session,
  ): Promise<Session | Refusal> {
    const takeOver = new TakeOver(context, wanted, adopt);
    const work = this.#patiently(context, takeOver);
    this.#underWay.set(wanted.sessionId, { takeOver, done: work.catch(() => {}) });
    try {
      return await work;
    } finally {
      this.#underWay.delete(wanted.sessionId);
    }
  }

  async #patiently(context: GatewayContext, takeOver: TakeOver): Promise<Session | Refusal> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await takeOver.run();
      } catch (error) {
        context.log.warn({ err: error }, "a session of another gateway could not be looked for");
        if (attempt === tries) return "store";
        await new Promise<void>((resolve) => void context.timers.after(minPauseMs * 2 ** attempt, resolve));
      }
    }
  }
}
