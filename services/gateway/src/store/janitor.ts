import type { SessionStore } from "./session-store.ts";

/** What the janitor uses. */
export interface JanitorPorts {
  readonly store: SessionStore;
  readonly ownTag: string;
  /** Nobody can resume from a log that was last written so long ago. */
  readonly keepMs: number;
  nowMs(): number;
  /** Whether a session is here. */
  has(sessionId: string): boolean;
}

const maxLogsAtOnce = 4;
const maxClaimsAtOnce = 200;

/** Removes what gateways that are gone have left behind: a bounded part in each round. */
export class Janitor {
  readonly #ports: JanitorPorts;
  #origins: string[] = [];
  #waiting: string[] = [];
  #isAtWork = false;

  constructor(ports: JanitorPorts) {
    this.#ports = ports;
  }

  /** Makes a round. Rejects when the store fails; the next round goes on. */
  async round(): Promise<void> {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    try {
      const tags = await this.#removeLogs();
      await this.#removeClaims(tags);
    } finally {
      this.#isAtWork = false;
    }
  }

  /** Returns the tags of the logs that are left. */
  async #removeLogs(): Promise<Set<string>> {
    const { store, ownTag, keepMs } = this.#ports;
    const logs = await store.logs();
    const dead = logs.filter(({ tag, idleMs }) => tag !== ownTag && idleMs > keepMs);
    const removed = dead.slice(0, maxLogsAtOnce).map(({ tag }) => tag);
    for (const tag of removed) await store.removeLog(tag);
    return new Set(logs.map(({ tag }) => tag).filter((tag) => !removed.includes(tag)));
  }

  /** A claim is of use while its holder has a log, and the session. */
  async #removeClaims(tags: ReadonlySet<string>): Promise<void> {
    const { store } = this.#ports;
    if (this.#waiting.length === 0) {
      if (this.#origins.length === 0) this.#origins = [...(await store.origins())];
      const origin = this.#origins.pop();
      if (origin === undefined) return;
      const claims = (await store.claimsOf(origin, "-"))?.claims ?? [];
      this.#waiting = [...new Set(claims.map(({ sessionId }) => sessionId))];
    }
    for (const sessionId of this.#waiting.splice(0, maxClaimsAtOnce)) {
      if (await this.#isDone(sessionId, tags)) await store.removeClaims(sessionId);
    }
  }

  async #isDone(sessionId: string, tags: ReadonlySet<string>): Promise<boolean> {
    const { store, ownTag, keepMs, nowMs, has } = this.#ports;
    const last = (await store.claims(sessionId)).at(-1);
    if (last === undefined || nowMs() - last.atMs <= 2 * keepMs) return false;
    // Of a session that is over nothing is left in any log by now, so that nobody takes it up once more without the claim.
    return last.holder === ownTag ? !has(sessionId) : !tags.has(last.holder);
  }
}
