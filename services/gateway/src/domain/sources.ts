/** Which processes publish events, and how their beats come in. */
export class Sources {
  readonly #silentMs: number;
  readonly #forgetMs: number;
  readonly #known = new Map<string, { number: bigint; heardMs: number; askedMs: number }>();

  constructor({ silentMs, forgetMs }: { readonly silentMs: number; readonly forgetMs: number }) {
    this.#silentMs = silentMs;
    this.#forgetMs = forgetMs;
  }

  /** A beat has come; true when heads may have been missed: one before it has not come, or it is the first one heard. */
  beat(source: string, number: bigint, nowMs: number): boolean {
    const known = this.#known.get(source);
    if (known === undefined) {
      this.#known.set(source, { number, heardMs: nowMs, askedMs: nowMs });
      return true;
    }
    const isMissing = number > known.number + 1n;
    known.number = number;
    known.heardMs = nowMs;
    known.askedMs = nowMs;
    return isMissing;
  }

  /** Whether no beat has come from anywhere for too long. */
  isAllSilent(nowMs: number): boolean {
    for (const { heardMs } of this.#known.values()) if (nowMs - heardMs <= this.#silentMs) return false;
    return true;
  }

  /** The sources that have been silent for too long, each again only after as long. */
  silent(nowMs: number): string[] {
    const silent: string[] = [];
    for (const [source, known] of this.#known) {
      if (nowMs - known.heardMs > this.#forgetMs) this.#known.delete(source);
      else if (nowMs - known.askedMs > this.#silentMs) {
        known.askedMs = nowMs;
        silent.push(source);
      }
    }
    return silent;
  }
}
