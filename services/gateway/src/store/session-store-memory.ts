import { GuildhallError } from "@guildhall/errors";
import {
  type Claim,
  type ClaimList,
  type LogHolder,
  type LogPiece,
  type LogPosition,
  type OwnLog,
  originOf,
  type SessionStore,
  type StoredLog,
} from "./session-store.ts";

interface MemoryLog {
  readonly holder: LogHolder;
  readonly segments: Map<number, Buffer[]>;
  writtenMs: number;
}

/** A session store in memory, for several gateways of one process. */
export class MemorySessionStore implements SessionStore {
  /** While set, logs cannot be written: the disk is full. */
  isFull = false;
  readonly #nowMs: () => number;
  readonly #logs = new Map<string, MemoryLog>();
  readonly #claims = new Map<string, Claim[]>();
  #claimed = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  createLog(holder: LogHolder): OwnLog {
    const made = (): MemoryLog => ({ holder, segments: new Map(), writtenMs: this.#nowMs() });
    let pieces: Buffer[] = [];
    this.#logs.set(holder.tag, this.#logs.get(holder.tag) ?? made());
    const write = (bytes: Uint8Array): void => {
      if (this.isFull) throw new GuildhallError("STORE_UNAVAILABLE", "the session store is full");
      pieces.push(Buffer.from(bytes));
      const log = this.#logs.get(holder.tag);
      if (log !== undefined) log.writtenMs = this.#nowMs();
    };
    return {
      begin: (segment, header) => {
        const log = this.#logs.get(holder.tag) ?? made();
        this.#logs.set(holder.tag, log);
        pieces = [];
        write(header);
        log.segments.set(segment, pieces);
      },
      append: write,
      drop: async (segment) => void this.#logs.get(holder.tag)?.segments.delete(segment),
      [Symbol.dispose]() {},
    };
  }

  async holder(tag: string): Promise<LogHolder | undefined> {
    return this.#logs.get(tag)?.holder;
  }

  async read(tag: string, from: LogPosition, maxBytes: number): Promise<LogPiece | undefined> {
    const segments = this.#logs.get(tag)?.segments;
    const numbers = [...(segments?.keys() ?? [])].filter((number) => number >= from.segment).sort((a, b) => a - b);
    const [segment] = numbers;
    if (segments === undefined || segment === undefined) return undefined;
    const offset = segment === from.segment ? from.offset : 0;
    const bytes = Buffer.concat(segments.get(segment) ?? []).subarray(offset, offset + maxBytes);
    const idleMs = this.#nowMs() - (this.#logs.get(tag)?.writtenMs ?? 0);
    return { at: { segment, offset }, bytes, hasNext: numbers.length > 1, idleMs };
  }

  /** Changes what is stored of a segment: damage. */
  tamper(tag: string, segment: number, change: (bytes: Buffer) => Buffer | undefined): void {
    const pieces = this.#logs.get(tag)?.segments.get(segment);
    if (pieces === undefined) return;
    const changed = change(Buffer.concat(pieces));
    if (changed === undefined) this.#logs.get(tag)?.segments.delete(segment);
    else pieces.splice(0, pieces.length, changed);
  }

  /** The numbers of the segments of a log. */
  segmentsOf(tag: string): number[] {
    return [...(this.#logs.get(tag)?.segments.keys() ?? [])].sort((a, b) => a - b);
  }

  async logs(): Promise<readonly StoredLog[]> {
    const nowMs = this.#nowMs();
    return [...this.#logs].map(([tag, { writtenMs }]) => ({ tag, writtenMs, idleMs: nowMs - writtenMs }));
  }

  async removeLog(tag: string): Promise<void> {
    this.#logs.delete(tag);
  }

  async claim(claim: Omit<Claim, "atMs">): Promise<boolean> {
    const claims = this.#claims.get(claim.sessionId) ?? [];
    if (claims.some(({ generation }) => generation === claim.generation)) return false;
    this.#claims.set(claim.sessionId, [...claims, { ...claim, atMs: this.#nowMs() }]);
    this.#claimed++;
    return true;
  }

  async claims(sessionId: string): Promise<readonly Claim[]> {
    return [...(this.#claims.get(sessionId) ?? [])].sort((a, b) => a.generation - b.generation);
  }

  async claimsOf(origin: string, since: string): Promise<ClaimList | undefined> {
    const now = String(this.#claimed);
    if (since === now) return undefined;
    const claims = [...this.#claims.values()].flat().filter(({ sessionId }) => originOf(sessionId) === origin);
    return { since: now, claims };
  }

  async origins(): Promise<readonly string[]> {
    return [...new Set([...this.#claims.keys()].map((sessionId) => sessionId.slice(0, 8)))];
  }

  async removeClaims(sessionId: string): Promise<void> {
    this.#claims.delete(sessionId);
  }
}
