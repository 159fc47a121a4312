import { FrameSink } from "../codec/frame-sink.ts";
import type { Body } from "../domain/body.ts";
import type { Connection } from "./connection.ts";

/** What was handed to connections. */
export interface SentCounts {
  dispatches: number;
  bytes: number;
}

/** What the flusher is told and tells. */
export interface FlusherPorts {
  readonly sent: SentCounts;
  /** Most bytes that may wait for one socket. */
  readonly maxQueuedBytes: number;
  /** Something is about to be written: what it came from is to be recorded by then. */
  beforeWrite(): void;
  /** Runs something when the present turn's input has been taken in. */
  soon(act: () => void): void;
  /** More waits for a connection than may. */
  onOverLimit(connection: Connection): void;
}

const maxSpareQueues = 1_024;
const maxSpareLength = 64;

/** Writes what was gathered for connections, each connection's in one write, once per turn of the event loop. */
export class Flusher {
  readonly maxQueuedBytes: number;
  /** Totals since they were last read. */
  readonly sent: SentCounts;
  readonly #ports: FlusherPorts;
  readonly #sink = new FrameSink();
  readonly #spare: (number | Body | Uint8Array)[][] = [];
  #dirty: Connection[] = [];

  constructor(ports: FlusherPorts) {
    this.#ports = ports;
    this.sent = ports.sent;
    this.maxQueuedBytes = ports.maxQueuedBytes;
  }

  /** A connection has something to send from now on: gives it a queue to put it in. */
  enlist(connection: Connection): (number | Body | Uint8Array)[] {
    if (this.#dirty.length === 0) this.#ports.soon(() => this.flush());
    this.#dirty.push(connection);
    return this.#spare.pop() ?? [];
  }

  /** A queue has been written. */
  takeBack(queue: (number | Body | Uint8Array)[]): void {
    if (queue.length > maxSpareLength || this.#spare.length >= maxSpareQueues) return;
    queue.length = 0;
    this.#spare.push(queue);
  }

  /** Writes everything that waits. */
  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) this.flushOne(connection);
  }

  /** Writes what waits for one connection. */
  flushOne(connection: Connection): void {
    this.#ports.beforeWrite();
    this.#wrote(connection, connection.flush(this.#sink));
  }

  /** Writes a payload that came out of a connection's own compressor. */
  writeCompressed(connection: Connection, payload: Uint8Array): void {
    this.#wrote(connection, connection.writeCompressed(payload, this.#sink));
  }

  #wrote(connection: Connection, isWritten: boolean): void {
    if (isWritten) {
      this.#sink.recycle();
    } else {
      this.#sink.hold();
      if (connection.isOverLimit && !connection.isClosing) this.#ports.onOverLimit(connection);
    }
  }
}
