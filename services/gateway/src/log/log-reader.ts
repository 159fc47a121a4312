import type { LogPiece, LogPosition, SessionStore } from "../store/session-store.ts";
import { blockHeadBytes, decodeHeader, headerBytes, nextBlock } from "./segment.ts";

/** Something in a log cannot be used. */
export interface Damage {
  readonly tag: string;
  readonly segment: number;
  readonly offset: number;
  readonly reason: string;
}

/** What is made of a log. */
export interface LogSink {
  /**
   * A segment begins, which was begun at that time (Unix ms): nothing in it refers to the one before by number. The first
   * one of a log is number 1.
   */
  segment(atMs: number, number: number): void;
  /** The next block's payload. Throws when it is not what this version writes. */
  block(payload: Buffer): void;
  /** Something is missing between what came and what will come. */
  hole(): void;
  damage(damage: Damage): void;
}

const pieceBytes = 256 * 1024;

/*
 * States of a segment: header ──read──▶ blocks ──last one read, a later segment there──▶ header of the next
 *                        └──damaged──▶ skipped ◀──damaged, or cut off──┘       skipped ──▶ header of the next, after a hole
 */

/** Reads the log of another gateway from its beginning, as far as it has got, and later on from there. */
export class LogReader {
  readonly #store: SessionStore;
  readonly #tag: string;
  readonly #sink: LogSink;
  #position: LogPosition = { segment: 1, offset: 0 };
  /** Read, and not yet used: the beginning of something. */
  #rest: Buffer = Buffer.alloc(0);
  #state: "header" | "blocks" | "skipped" = "header";
  #hasBegun = false;
  #isAfterDamage = false;
  #idleMs = 0;

  constructor(store: SessionStore, tag: string, sink: LogSink) {
    this.#store = store;
    this.#tag = tag;
    this.#sink = sink;
  }

  /** How long ago the log had been written for the last time, when it was read for the last time. */
  get idleMs(): number {
    return this.#idleMs;
  }

  /** Reads and uses a bounded piece. "missing": there is nothing of the log; "end": all that is there has been used. */
  async readPiece(): Promise<"more" | "end" | "missing"> {
    const piece = await this.#store.read(this.#tag, this.#position, pieceBytes);
    if (piece === undefined) return this.#hasBegun ? "end" : "missing";
    if (piece.at.segment !== this.#position.segment) this.#skipTo(piece.at.segment);
    this.#hasBegun = true;
    this.#idleMs = piece.idleMs;
    this.#position = { segment: piece.at.segment, offset: piece.at.offset + piece.bytes.length };
    this.#use(piece);
    if (piece.bytes.length === pieceBytes) return "more";
    if (!piece.hasNext) return "end";
    this.#endSegment();
    return "more";
  }

  /** Says so when the log ends in the middle of something. For when nobody writes it, as far as is known. */
  reportTail(): void {
    if (this.#state === "skipped" || this.#rest.length === 0) return;
    this.#sink.damage(this.#damageAt(0, "it is cut off"));
  }

  #use({ bytes }: LogPiece): void {
    if (this.#state === "skipped") return;
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (this.#state === "header" && !this.#useHeader()) return;
    let used = 0;
    for (;;) {
      const next = nextBlock(this.#rest.subarray(used));
      if (next === "more") break;
      if ("damage" in next) {
        this.#damaged(used, next.damage);
        return;
      }
      try {
        this.#sink.block(next.payload);
      } catch (error) {
        // Half a block was used: what was made of the log cannot be trusted.
        this.#sink.hole();
        this.#damaged(used, error instanceof Error ? error.message : String(error));
        return;
      }
      used += blockHeadBytes + next.payload.length;
    }
    this.#rest = this.#rest.subarray(used);
  }

  #useHeader(): boolean {
    if (this.#rest.length < headerBytes) return false;
    const header = decodeHeader(this.#rest);
    if (typeof header === "string" || !this.#isNext(header)) {
      const reason = typeof header === "string" ? header : `it says that it is ${header.number} of ${header.tag}`;
      this.#damaged(0, reason);
      return false;
    }
    this.#rest = this.#rest.subarray(headerBytes);
    this.#state = "blocks";
    if (this.#isAfterDamage) this.#sink.hole();
    this.#isAfterDamage = false;
    this.#sink.segment(header.atMs, header.number);
    return true;
  }

  #isNext({ tag, number }: { readonly tag: string; readonly number: number }): boolean {
    return tag === this.#tag && number === this.#position.segment;
  }

  /** What was to come next is gone. */
  #skipTo(segment: number): void {
    if (this.#hasBegun) {
      const reason = "it, or part of it, is missing";
      this.#sink.damage({ tag: this.#tag, segment: this.#position.segment, offset: this.#position.offset, reason });
      this.#isAfterDamage = true;
    }
    this.#position = { segment, offset: 0 };
    this.#rest = Buffer.alloc(0);
    this.#state = "header";
  }

  #endSegment(): void {
    if (this.#rest.length > 0 || this.#state === "header") this.#damaged(0, "it is cut off");
    this.#position = { segment: this.#position.segment + 1, offset: 0 };
    this.#rest = Buffer.alloc(0);
    this.#state = "header";
  }

  #damaged(used: number, reason: string): void {
    if (this.#state === "skipped") return;
    const damage = this.#damageAt(used, reason);
    this.#state = "skipped";
    this.#rest = Buffer.alloc(0);
    this.#isAfterDamage = true;
    this.#sink.damage(damage);
  }

  #damageAt(used: number, reason: string): Damage {
    const { segment, offset } = this.#position;
    return { tag: this.#tag, segment, offset: offset - this.#rest.length + used, reason };
  }
}
