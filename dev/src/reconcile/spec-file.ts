import { statSync } from "node:fs";
import type { Timers } from "@guildhall/lifecycle";

/** A document's file, watched for edits. */
export interface SpecFileWatch extends Disposable {
  /** Begins to tell of edits, those since the watch was made included. */
  begin(heard: SpecFileListener): void;
}

/** Who is told. */
export interface SpecFileListener {
  onEdit(): void;
  /** The file is not there, and was there before. */
  onMissing(): void;
}

/** What a watch needs. */
export interface SpecFileWatchOptions {
  readonly file: string;
  readonly timers: Timers;
  readonly everyMs?: number;
}

const usualMs = 500;
/** So many looks without the file: editors that write another file and rename it leave it away for a moment. */
const looksUntilMissing = 6;

/**
 * Looks at a file each 500 ms. What has changed is reported when it is the same at two looks, so that no file is read
 * that is half written; an editor that replaces the file by another one is as good as one that writes into it.
 */
export function makeSpecFileWatch(options: SpecFileWatchOptions): SpecFileWatch {
  const { file, timers, everyMs = usualMs } = options;
  let reported = markOf(file);
  let last = reported;
  let missing = 0;
  let timer: Disposable | undefined;
  const look = (heard: SpecFileListener): void => {
    const mark = markOf(file);
    if (mark === undefined) {
      missing += 1;
      if (missing === looksUntilMissing) heard.onMissing();
      return;
    }
    missing = 0;
    const isSteady = mark === last;
    last = mark;
    if (!isSteady || mark === reported) return;
    reported = mark;
    heard.onEdit();
  };
  return {
    begin(heard) {
      timer ??= timers.every(everyMs, () => look(heard));
    },
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}

/** What differs after an edit; undefined when there is no such file. */
function markOf(file: string): string | undefined {
  const { mtimeMs, size, ino } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return mtimeMs === undefined ? undefined : `${mtimeMs} ${size} ${ino}`;
}
