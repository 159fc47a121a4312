import type { GatewayContext } from "../context.ts";
import type { Ghost, NoRemains, Remains } from "../log/ghost.ts";
import type { Replayed } from "../log/replay.ts";
import type { Holder, Refusal, Wanted } from "./take-over.ts";

/** A session as it was when its holder let go of it. */
interface Captured {
  readonly tokenHash: string;
  readonly idleMs: number;
  readonly remains: Remains | NoRemains;
}

/** Looks for a session in the log of one gateway that had it, or was about to. */
export class Search implements Disposable {
  readonly holder: Holder;
  readonly #context: GatewayContext;
  readonly #wanted: Wanted;
  #ghost: Ghost | undefined;
  #watch: Disposable | undefined;
  #captured: Captured | undefined;

  constructor(context: GatewayContext, wanted: Wanted, holder: Holder) {
    this.holder = holder;
    this.#context = context;
    this.#wanted = wanted;
  }

  /** The holder's ghost; undefined when there is nothing of the holder any more. */
  get ghost(): Ghost | undefined {
    return this.#ghost;
  }

  /** The token that the session was made with; only when it was found. */
  get tokenHash(): string {
    return this.#found()?.session.tokenHash ?? this.#captured?.tokenHash ?? "";
  }

  /** For how long it has been without a client, as far as the log says. */
  get idleMs(): number {
    const found = this.#found();
    if (found !== undefined && this.#ghost !== undefined) return this.#ghost.idleMs(found);
    return this.#captured?.idleMs ?? Number.POSITIVE_INFINITY;
  }

  /** Reads the log to its end: "found", or why not. "none": there is no trace of the session. */
  async look(): Promise<"found" | "none" | Refusal> {
    const { holder, recording } = this.#context;
    if (this.holder.tag === holder.tag) recording.flush();
    const ghost = this.#ghost ?? (await this.#open());
    if (ghost === undefined) return "none";
    const isThere = await ghost.readOn();
    if (this.#found() !== undefined || this.#captured !== undefined) return "found";
    const ended = this.#ended();
    if (ended === "over") return "over";
    if (ended === "handed over") return this.#lookAgain();
    const { firstMs, isWhole } = ghost.replay;
    const { atMs } = this.holder;
    // What it wrote of the session may have been dropped since: then the one before it is not the last. The times are by
    // different clocks, which may differ by more than the log is old: a whole log needs none.
    if (isThere && !isWhole && atMs !== undefined && (firstMs === undefined || firstMs > atMs)) return "gone";
    return "none";
  }

  /** What there is to go on with, as of now. */
  remains(): Remains | NoRemains {
    const found = this.#found();
    if (found !== undefined && this.#ghost !== undefined) return this.#ghost.remains(found, this.#wanted.seq);
    return this.#captured?.remains ?? "unknown";
  }

  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]();
  }

  /** Anybody may name any holder: ghosts are made of those only that have been there. */
  async #open(): Promise<Ghost | undefined> {
    const { ghosts, store } = this.#context;
    const { tag } = this.holder;
    if (!ghosts.has(tag) && (await store.holder(tag)) === undefined) return undefined;
    return this.#follow(ghosts.get(tag));
  }

  #follow(ghost: Ghost): Ghost {
    this.#watch?.[Symbol.dispose]();
    this.#ghost = ghost;
    this.#watch = ghost.watch(this.#wanted.sessionId, (found) => {
      if (found.session.generation !== this.holder.generation) return;
      const { tokenHash } = found.session;
      const remains = ghost.remains(found, this.#wanted.seq);
      this.#captured = { tokenHash, idleMs: ghost.idleMs(found), remains };
    });
    return ghost;
  }

  /** The ghost has been read past the place where the session was handed over: another one reads up to there. */
  async #lookAgain(): Promise<"found" | Refusal> {
    const ghost = this.#follow(this.#context.ghosts.get(this.holder.tag, true));
    await ghost.readOn();
    return this.#found() !== undefined || this.#captured !== undefined ? "found" : "gone";
  }

  #found(): Replayed | undefined {
    const found = this.#ghost?.replay.find(this.#wanted.sessionId);
    return found?.session.generation === this.holder.generation ? found : undefined;
  }

  #ended() {
    const ended = this.#ghost?.replay.endOf(this.#wanted.sessionId);
    return ended?.generation === this.holder.generation ? ended.reason : undefined;
  }
}

/** The latest of these that has the session; else why it is not to be had. They come in order, the last holder first. */
export async function firstOf(searches: readonly Search[]): Promise<Search | Refusal> {
  for (const search of searches) {
    const state = await search.look();
    if (state === "found") return search;
    if (state !== "none") return state;
  }
  return "unknown";
}
