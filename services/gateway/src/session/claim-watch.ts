import type { GatewayContext } from "../context.ts";
import { letGo } from "./let-go.ts";

/** Notices that other gateways have claimed sessions of this one without having been able to say so. */
export class ClaimWatch {
  /** Where sessions of this gateway began, and what their claims were when they were last looked at. */
  readonly #since = new Map<string, string>();
  #isLooking = false;

  constructor(ownTag: string) {
    this.#since.set(ownTag, "");
  }

  /** A session that began at another gateway is here now. */
  note(origin: string): void {
    if (!this.#since.has(origin)) this.#since.set(origin, "");
  }

  /** Lets go of every session that is another's by now. Costs little when nobody has claimed any. */
  async look(context: GatewayContext): Promise<void> {
    if (this.#isLooking || !context.guards.generation) return;
    this.#isLooking = true;
    try {
      for (const [origin, since] of [...this.#since]) await this.#lookAt(context, origin, since);
    } catch (error) {
      context.log.debug({ err: error }, "claims could not be looked at");
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(context: GatewayContext, origin: string, since: string): Promise<void> {
    const { store, sessions, metrics } = context;
    const list = await store.claimsOf(origin, since);
    if (list === undefined) return;
    this.#since.set(origin, list.since);
    for (const { sessionId, generation } of list.claims) {
      const session = sessions.get(sessionId);
      if (session === undefined || session.generation >= generation) continue;
      letGo(context, session);
      metrics.seals.inc({ result: "noticed" });
    }
  }
}
