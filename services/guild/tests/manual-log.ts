import { GuildhallError } from "@guildhall/errors";
import type { LogEntry, LogPage, PartitionLog } from "../src/domain/index.ts";

/**
 * What becomes of a produce: written and answered; refused; written and its answer lost; written later, unanswered; lost
 * on its way.
 */
export type Fate = "written" | "refused" | "unanswered" | "late" | "lost";

/** A log in memory whose every step waits until it is told to happen. */
export class ManualLog implements PartitionLog {
  readonly partitions: number;
  /** Steps that may happen next, in any order. */
  readonly steps: (() => void)[] = [];
  /** Asked for each produce. */
  fate: () => Fate = () => "written";
  /** Asked for each read: whether it fails. */
  failsRead: () => boolean = () => false;
  /** Steps are taken by themselves, in order. */
  isPrompt = true;
  readonly #entries: LogEntry[][];

  constructor(partitions: number) {
    this.partitions = partitions;
    this.#entries = Array.from({ length: partitions }, () => []);
  }

  entriesOf(partition: number): readonly LogEntry[] {
    return this.#entries[partition] as LogEntry[];
  }

  produce(partition: number, entries: readonly LogEntry[]): Promise<bigint> {
    const log = this.#entries[partition] as LogEntry[];
    const write = (): bigint => BigInt(log.push(...entries) - entries.length);
    const fate = this.fate();
    if (fate === "refused") return this.#step(() => fail("JOURNAL_UNAVAILABLE"));
    if (fate === "lost") return this.#step(() => fail("STREAM_LOST"));
    if (fate === "late") {
      return this.#step(() => {
        this.steps.push(write);
        fail("STREAM_LOST");
      });
    }
    const written = this.#step(write);
    return written.then((base) => this.#step(() => (fate === "unanswered" ? fail("STREAM_LOST") : base)));
  }

  read(partition: number, from: bigint, limit: number): Promise<LogPage> {
    const log = this.#entries[partition] as LogEntry[];
    const fails = this.failsRead();
    const page = this.#step((): LogPage => {
      if (fails) fail("STREAM_LOST");
      return { entries: log.slice(Number(from), Number(from) + limit), end: BigInt(log.length) };
    });
    return page.then((read) => this.#step(() => read));
  }

  async #step<T>(work: () => T): Promise<T> {
    if (this.isPrompt) return work();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.steps.push(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
    return promise;
  }
}

function fail(code: "JOURNAL_UNAVAILABLE" | "STREAM_LOST"): never {
  throw new GuildhallError(code, "the log fails");
}
