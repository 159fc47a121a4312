import type { EpochRow } from "@guildhall/slots";
import type { Clock } from "./time.ts";

/** Reads the last EPOCHs of all slots from the journal. */
export type EpochSource = () => Promise<readonly EpochRow[]>;

/** What the reader uses. */
export interface EpochReaderParts {
  readonly clock: Clock;
  readonly read: EpochSource;
  readonly isWanted: () => boolean;
  /** `startedMs` (monotonic): when the reading began. */
  readonly onRead: (rows: readonly EpochRow[], startedMs: number) => void;
  /** Hears of each failed reading; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** Reads the journal's EPOCHs when they are wanted, one reading at a time, those that fail again after a while. */
export interface EpochReader {
  /** To be called now and then. */
  poll(): void;
}

const firstRetryMs = 100;
const lastRetryMs = 2_000;

/** Makes the reader. */
export function makeEpochReader({ clock, read, isWanted, onRead, onFailure }: EpochReaderParts): EpochReader {
  let reading = false;
  let retryMs = firstRetryMs;
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  async function turn(): Promise<void> {
    const startedMs = clock.monotonicMs();
    try {
      onRead(await read(), startedMs);
      retryMs = firstRetryMs;
    } catch (error) {
      onFailure(error);
      notBeforeMs = clock.monotonicMs() + retryMs;
      retryMs = Math.min(lastRetryMs, retryMs * 2);
    } finally {
      reading = false;
    }
  }

  return {
    poll() {
      if (reading || clock.monotonicMs() < notBeforeMs || !isWanted()) return;
      reading = true;
      void turn();
    },
  };
}
