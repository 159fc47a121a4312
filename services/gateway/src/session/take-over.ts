import { timingSafeEqual } from "node:crypto";
import type { GatewayContext } from "../context.ts";
import type { Session } from "../domain/session.ts";
import type { Remains } from "../log/ghost.ts";
import { type Claim, originOf } from "../store/session-store.ts";
import { firstOf, Search } from "./search.ts";

/** What a session is wanted for. */
export interface Wanted {
  readonly sessionId: string;
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer;
  /** The last dispatch that the client has. */
  readonly seq: number;
}

/** Why a session of another gateway cannot be gone on with. */
export type Refusal =
  | "unknown"
  | "stolen"
  | "over"
  | "expired"
  | "gone"
  | "ahead"
  | "wrong"
  | "incomplete"
  | "contended"
  | "store";

/** A session that is ours from now on. */
export interface TakenOver {
  readonly remains: Remains;
  readonly missed: Extract<Remains["plan"], { readonly kind: "replay" }>["missed"];
  readonly generation: number;
}

/** One gateway that had the session, or was about to. */
export interface Holder {
  readonly tag: string;
  readonly generation: number;
  /** When it claimed the session (Unix ms); undefined when it began there. */
  readonly atMs: number | undefined;
}

const maxAttempts = 5;

/*
 * How a session changes gateways. A claim is a file that one process only can make; it says who has generation n.
 *
 *   look for the last holder ──▶ its log made alive (a ghost) ──▶ token right? ──▶ claim n+1 ──▶ ask the holder to let go
 *     ▲                              │ no trace of the session: it died before it wrote ADOPT,          │ at most a second;
 *     │                              ▼ so the one before it is the holder                               ▼ no answer: it is dead
 *     └──────── somebody else claimed n+1 ◀───────────────────────────────────── read its log to the end: the cut ──▶ ours
 *
 * Who claims and dies midway leaves no record in its log, and has sent nothing: whoever claims n+2 asks it to give up (it may
 * only be slow), finds nothing, and goes on with the log of generation n. A holder that cannot be asked learns of the claim
 * when it looks at the claims: before it resumes the session, and every few seconds.
 */
export class TakeOver {
  readonly #context: GatewayContext;
  readonly #wanted: Wanted;
  readonly #adopt: (taken: TakenOver) => Session;
  /** Somebody has claimed it from us before it was ours. */
  #forbiddenBy = 0;

  /** `adopt` makes the session ours, in the turn in which it was found that it is. */
  constructor(context: GatewayContext, wanted: Wanted, adopt: (taken: TakenOver) => Session) {
    this.#context = context;
    this.#wanted = wanted;
    this.#adopt = adopt;
  }

  /** Gives up, if it is not too late: another gateway has claimed a generation after ours. */
  forbid(generation: number): void {
    this.#forbiddenBy = Math.max(this.#forbiddenBy, generation);
  }

  async run(): Promise<Session | Refusal> {
    const origin = originOf(this.#wanted.sessionId);
    if (origin === undefined) return "unknown";
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const result = await this.#try(origin);
      if (result !== "again") return result;
    }
    return "contended";
  }

  async #try(origin: string): Promise<Session | Refusal | "again"> {
    const { store, holder: self, guards } = this.#context;
    const { sessionId } = this.#wanted;
    const holders = holdersOf(origin, await store.claims(sessionId));
    const last = holders.at(-1) as Holder;
    // It began here, or was taken over by us, and is here no longer: it is over.
    if (last.tag === self.tag) return "over";
    using watches = new DisposableStack();
    const searches = holders.toReversed().map((holder) => watches.use(new Search(this.#context, this.#wanted, holder)));
    const found = await firstOf(searches);
    if (typeof found === "string") return found;
    const refusal = this.#refusalOf(found);
    if (refusal !== undefined) return refusal;
    const generation = last.generation + 1;
    // Who was about to take it over from there may have done so by the time it is asked.
    const asked = searches.slice(0, searches.indexOf(found) + 1);
    if (guards.generation) {
      if (!(await store.claim({ sessionId, generation, holder: self.tag }))) return "again";
      await Promise.all(asked.map((search) => this.#seal(search, generation)));
    }
    const cut = await firstOf(asked);
    if (typeof cut === "string") return cut;
    return this.#context.pacer.run(() => this.#take(cut, generation));
  }

  /** Has a holder let go of the session. One that does not answer is held to be dead. */
  async #seal({ holder, ghost }: Search, generation: number): Promise<void> {
    const { gateways, holder: self } = this.#context;
    if (holder.tag === self.tag) return;
    const { sessionId } = this.#wanted;
    const sealed = await gateways.seal(holder.tag, { sessionId, generation, gateway: self.tag });
    if (sealed === undefined) ghost?.reportTail();
  }

  #take(cut: Search, generation: number): Session | Refusal {
    if (this.#forbiddenBy > generation) return "contended";
    const remains = cut.remains();
    if (typeof remains === "string") return remains === "unknown" ? "gone" : remains;
    const { plan, pending } = remains;
    if (plan.kind !== "replay") return plan.kind;
    this.#context.pacer.spend(plan.missed.length + pending.length);
    return this.#adopt({ remains, missed: plan.missed, generation });
  }

  #refusalOf(found: Search): Refusal | undefined {
    const { config } = this.#context;
    if (!timingSafeEqual(Buffer.from(found.tokenHash, "latin1"), this.#wanted.tokenHash)) return "stolen";
    return found.idleMs > config.resumeWindowMs ? "expired" : undefined;
  }
}

/** All who had the session, in order. */
function holdersOf(origin: string, claims: readonly Claim[]): Holder[] {
  const first: Holder = { tag: origin, generation: 0, atMs: undefined };
  return [first, ...claims.map(({ holder, generation, atMs }) => ({ tag: holder, generation, atMs }))];
}
