import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** A record that was committed: where, and which one. */
export interface JournalMark {
  readonly position: bigint;
  readonly topic: bigint;
  readonly seq: bigint;
}

/**
 * Which records were committed last, in a file beside the journal: a log that lost its end is a sound journal to SQLite,
 * and nobody would miss what was acked. Written after each commit, never waited for: it outlives the process, and where a
 * loss of power takes its end it says less than the journal, which is no matter.
 */
export interface JournalMarks extends Disposable {
  /** All that are held, in no order. */
  readonly marks: readonly JournalMark[];
  note(marks: readonly JournalMark[]): void;
}

/** As many as a log can hold that has not been moved into the journal yet. */
const places = 16_384;
const markBytes = 32;
const checkedBytes = 24;

/** Opens the marks at `path`, and makes them when there are none; what cannot be read of them is left out. */
export function openJournalMarks(path: string): JournalMarks {
  const fd = openSync(path, openMode(path));
  const bytes = Buffer.alloc(places * markBytes);
  const read = readSync(fd, bytes, 0, bytes.length, 0);
  // The whole file is there from the start, so that no full disk keeps marks from being written.
  if (read < bytes.length) writeSync(fd, bytes, 0, bytes.length, 0);
  const marks = parse(bytes);
  // Filled by each commit anew.
  let buffer = Buffer.alloc(256 * markBytes);
  return {
    marks,
    note(noted) {
      if (noted.length * markBytes > buffer.length) buffer = Buffer.alloc(noted.length * markBytes);
      let from = 0;
      for (const [index, mark] of noted.entries()) {
        write(buffer, index * markBytes, mark);
        const next = noted[index + 1];
        // Those of a commit follow one another, but for the end of the file and resends.
        if (next !== undefined && placeOf(next) === placeOf(mark) + 1) continue;
        const place = placeOf(mark) - (index - from);
        writeSync(fd, buffer, from * markBytes, (index + 1 - from) * markBytes, place * markBytes);
        from = index + 1;
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function openMode(path: string): "r+" | "w+" {
  try {
    closeSync(openSync(path, "r+"));
    return "r+";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "w+";
    throw error;
  }
}

function placeOf({ position }: JournalMark): number {
  return Number(position % BigInt(places));
}

function write(buffer: Buffer, at: number, { position, topic, seq }: JournalMark): void {
  buffer.writeBigUInt64LE(position, at);
  buffer.writeBigUInt64LE(topic, at + 8);
  buffer.writeBigUInt64LE(seq, at + 16);
  buffer.writeUInt32LE(crc32(buffer.subarray(at, at + checkedBytes)), at + checkedBytes);
}

function parse(bytes: Buffer): JournalMark[] {
  const marks: JournalMark[] = [];
  for (let at = 0; at < bytes.length; at += markBytes) {
    const position = bytes.readBigUInt64LE(at);
    if (position === 0n) continue;
    if (crc32(bytes.subarray(at, at + checkedBytes)) !== bytes.readUInt32LE(at + checkedBytes)) continue;
    marks.push({ position, topic: bytes.readBigUInt64LE(at + 8), seq: bytes.readBigUInt64LE(at + 16) });
  }
  return marks;
}
