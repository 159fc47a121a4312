import type { Clock } from "@guildhall/lifecycle";
import { Deque } from "../domain/deque.ts";
import type { LogHolder, OwnLog, SessionStore } from "../store/session-store.ts";
import { ByteWriter } from "./byte-writer.ts";
import { kinds } from "./input.ts";
import { blockCrc, blockHeadBytes, encodeHeader, headerBytes } from "./segment.ts";

/*
 * States: broken ──segment begun (with a hole, but for the first)──▶ writing ──append fails──▶ broken
 * While broken, nothing is kept to be written later: sessions can be resumed here only.
 */

/** What writing segments uses. */
export interface SegmentWriterPorts {
  readonly store: SessionStore;
  readonly holder: LogHolder;
  readonly clock: Clock;
  /** Segments older than this go. */
  readonly keepMs: number;
  readonly maxBytes: number;
  onState(isWriting: boolean, error: unknown): void;
  /** A segment has begun; nothing in it may refer to those before. */
  onSegment(): void;
  onHole(): void;
}

interface Past {
  readonly number: number;
  readonly bytes: number;
  readonly endedMs: number;
}

const maxSegmentBytes = 8 * 1024 * 1024;
const maxSegmentMs = 15_000;
const retryMs = 1_000;

/** Gathers the records of a turn into a block and appends it to the log's last segment. */
export class SegmentWriter implements Disposable {
  /** Where the records of the turn are put, after `beginRecord`. */
  readonly out = new ByteWriter();
  records = 0;
  readonly #ports: SegmentWriterPorts;
  readonly #past = new Deque<Past>();
  #log: OwnLog | undefined;
  #isWriting = false;
  #segment = 0;
  #segmentBytes = 0;
  #pastBytes = 0;
  #beganMs = 0;
  #triedMs = Number.NEGATIVE_INFINITY;

  constructor(ports: SegmentWriterPorts) {
    this.#ports = ports;
    this.#rotate(false);
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Bytes in the segments that are kept. */
  get bytes(): number {
    return this.#pastBytes + this.#segmentBytes;
  }

  /** A record is going to be put; false while there is no place to put it. */
  beginRecord(): boolean {
    if (!this.#isWriting) return false;
    this.records++;
    if (this.out.length > 0) return true;
    this.out.u32(0);
    this.out.u32(0);
    this.out.f64(this.#ports.clock.nowMs());
    return true;
  }

  /** Appends the turn's block. */
  flush(): void {
    const { out } = this;
    if (out.length === 0) return;
    const payload = out.written().subarray(blockHeadBytes);
    out.setU32(0, payload.length);
    out.setU32(4, blockCrc(payload));
    try {
      this.#log?.append(out.written());
      this.#segmentBytes += out.length;
    } catch (error) {
      this.#break(error);
    }
    out.clear();
  }

  /** Begins a segment when it is time for one, and lets old ones go. */
  tick(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    if (!this.#isWriting) {
      if (nowMs - this.#triedMs >= retryMs) this.#rotate(true);
    } else if (this.#segmentBytes >= maxSegmentBytes || nowMs - this.#beganMs >= maxSegmentMs) {
      this.flush();
      this.#rotate(!this.#isWriting);
    }
    this.#dropOld(nowMs);
  }

  [Symbol.dispose](): void {
    this.#log?.[Symbol.dispose]();
    this.#log = undefined;
    this.#isWriting = false;
  }

  #rotate(isAfterHole: boolean): void {
    const { store, holder, clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    this.#triedMs = nowMs;
    if (this.#segment > 0) {
      this.#past.push({ number: this.#segment, bytes: this.#segmentBytes, endedMs: nowMs });
      this.#pastBytes += this.#segmentBytes;
    }
    this.#segmentBytes = 0;
    this.#segment++;
    try {
      this.#log ??= store.createLog(holder);
      this.#log.begin(this.#segment, encodeHeader({ tag: holder.tag, number: this.#segment, atMs: clock.nowMs() }));
    } catch (error) {
      this.#break(error);
      return;
    }
    this.#segmentBytes = headerBytes;
    this.#beganMs = nowMs;
    this.#ports.onSegment();
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#ports.onState(true, undefined);
    if (!isAfterHole) return;
    this.beginRecord();
    this.out.u8(kinds.hole);
    this.#ports.onHole();
  }

  #break(error: unknown): void {
    this.out.clear();
    this.#isWriting = false;
    this.#triedMs = this.#ports.clock.monotonicMs();
    this.#ports.onState(false, error);
  }

  #dropOld(nowMs: number): void {
    const { keepMs, maxBytes } = this.#ports;
    for (let oldest = this.#past.at(0); oldest !== undefined; oldest = this.#past.at(0)) {
      if (nowMs - oldest.endedMs < keepMs && this.bytes <= maxBytes) return;
      this.#past.shift();
      this.#pastBytes -= oldest.bytes;
      // What cannot be removed now goes with the whole log, once this process is gone.
      this.#log?.drop(oldest.number).catch(() => {});
    }
  }
}
