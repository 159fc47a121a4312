import type { GatewayContext } from "../context.ts";
import type { Ghost, NoRemains, Remains } from "../log/ghost.ts";
import type { Replayed } from "../log/replay.ts";
import type { Holder, Refusal, Wanted } from "./take-over.ts";

/** A session as it was when its holder let go of it. */
interface Captured {
  readonly tokenHash: string;
  readonly lastMs: number;
  readonly remains: Remains | NoRemains;
}

/** Looks for a session in the log of one gateway that had it, or was about to. */
export class Search implements Disposable {
  readonly holder: Holder;
  readonly #context: GatewayContext;
  readonly #wanted: Wanted;
  #ghost: Ghost;
  #watch: Disposable;
  #captured: Captured | undefined;

  constructor(context: GatewayContext, wanted: Wanted, holder: Holder) {
    this.holder = holder;
    this.#context = context;
    this.#wanted = wanted;
    this.#ghost = context.ghosts.get(holder.tag);
    this.#watch = this.#watchFor();
  }

  get ghost(): Ghost {
    return this.#ghost;
  }

  /** The token that the session was made with; only when it was found. */
  get tokenHash(): string {
    return this.#found()?.session.tokenHash ?? this.#captured?.tokenHash ?? "";
  }

  /** When it last had a client, as far as the log says (Unix ms). */
  get lastMs(): number {
    return this.#captured?.lastMs ?? lastMsOf(this.#ghost, this.#found());
  }

  /** Reads the log to its end: "found", or why not. "none": there is no trace of the session. */
  async look(): Promise<"found" | "none" | Refusal> {
    const { holder, recording } = this.#context;
    if (this.holder.tag === holder.tag) recording.flush();
    const isThere = await this.#ghost.readOn();
    if (this.#found() !== undefined || this.#captured !== undefined) return "found";
    const ended = this.#ended();
    if (ended === "over") return "over";
    if (ended === "handed over") return this.#lookAgain();
    const { firstMs } = this.#ghost.replay;
    const { atMs } = this.holder;
    // What it wrote of the session may have been dropped since: then the one before it is not the last.
    if (isThere && atMs !== undefined && (firstMs === undefined || firstMs > atMs)) return "gone";
    return "none";
  }

  /** What there is to go on with, as of now. */
  remains(): Remains | NoRemains {
    const found = this.#found();
    if (found !== undefined) return this.#ghost.remains(found, this.#wanted.seq);
    return this.#captured?.remains ?? "unknown";
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  /** The ghost has been read past the place where the session was handed over: another one reads up to there. */
  async #lookAgain(): Promise<"found" | Refusal> {
    this.#watch[Symbol.dispose]();
    this.#ghost = this.#context.ghosts.get(this.holder.tag, true);
    this.#watch = this.#watchFor();
    await this.#ghost.readOn();
    return this.#found() !== undefined || this.#captured !== undefined ? "found" : "gone";
  }

  #watchFor(): Disposable {
    const ghost = this.#ghost;
    return ghost.watch(this.#wanted.sessionId, (found) => {
      if (found.session.generation !== this.holder.generation) return;
      const { tokenHash } = found.session;
      const remains = ghost.remains(found, this.#wanted.seq);
      this.#captured = { tokenHash, lastMs: lastMsOf(ghost, found), remains };
    });
  }

  #found(): Replayed | undefined {
    const found = this.#ghost.replay.find(this.#wanted.sessionId);
    return found?.session.generation === this.holder.generation ? found : undefined;
  }

  #ended() {
    const ended = this.#ghost.replay.endOf(this.#wanted.sessionId);
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

function lastMsOf(ghost: Ghost, found: Replayed | undefined): number {
  return found?.cutMs ?? ghost.replay.atMs;
}
