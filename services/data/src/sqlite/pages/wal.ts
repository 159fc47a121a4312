import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/*
 * A write-ahead log is a header of 32 bytes and frames: 24 bytes and a page. SQLite takes the frames up to the first whose
 * checksum, which goes on from the one before, is wrong; what was committed behind that one it forgets without a word.
 * Here each frame is judged by itself, by the checksum that the one before it carries.
 */

/** A page in the log. */
export interface WalFrame {
  readonly page: number;
  /** Where the page's bytes begin in the file. */
  readonly offset: number;
  /** It, or one after it, ends a transaction. */
  readonly committed: boolean;
}

/** The frames of a log that are whole. */
export interface Wal {
  readonly path: string;
  readonly frames: readonly WalFrame[];
  /** Frames that SQLite would leave out though others after them are whole. */
  readonly damaged: number;
  /** How many pages the database has after the last transaction; undefined when there is none. */
  readonly pagesAfter: number | undefined;
}

const headerBytes = 32;
const frameHeaderBytes = 24;
const magics = new Set([0x377f0682, 0x377f0683]);

type Sum = readonly [number, number];

interface Read {
  readonly page: number;
  readonly offset: number;
  /** Ends a transaction, with this many pages in the database; else 0. */
  readonly pagesAfter: number;
  readonly isWhole: boolean;
  /** Part of this round of the log: behind it lies what is left of the round before. */
  readonly isOfRound: boolean;
}

/** How often a log is read anew that another process begins from its front meanwhile. */
const maxReads = 5;

/** Reads the log at `path`; no frames when there is none. */
export function readWal(path: string, pageSize: number): Wal {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return { path, frames: [], damaged: 0, pagesAfter: undefined };
  }
  try {
    for (let read = 1; ; read += 1) {
      const before = readHeader(fd);
      const frames = readFrames(fd, before, pageSize);
      if (read === maxReads || before.equals(readHeader(fd))) return { path, ...judge(frames) };
    }
  } finally {
    closeSync(fd);
  }
}

function readHeader(fd: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  return header.subarray(0, readSync(fd, header, 0, headerBytes, 0));
}

function judge(all: readonly Read[]): Omit<Wal, "path"> {
  const firstBroken = all.findIndex(({ isWhole }) => !isWhole);
  const behind = firstBroken < 0 ? [] : all.slice(firstBroken);
  // Frames that were written and given up lie behind the log's end, too, but none of them ends a transaction.
  const isHole = behind.some(({ isWhole, pagesAfter }) => isWhole && pagesAfter > 0);
  const whole = all.filter(({ isWhole }) => isWhole);
  const lastCommit = whole.findLastIndex(({ pagesAfter }) => pagesAfter > 0);
  return {
    frames: whole.map(({ page, offset }, index) => ({ page, offset, committed: index <= lastCommit })),
    damaged: isHole ? behind.filter(({ isWhole }) => !isWhole).length : 0,
    pagesAfter: whole[lastCommit]?.pagesAfter,
  };
}

function readFrames(fd: number, header: Buffer, pageSize: number): readonly Read[] {
  if (header.length < headerBytes) return [];
  const frameBytes = frameHeaderBytes + pageSize;
  const count = Math.floor((fstatSync(fd).size - headerBytes) / frameBytes);
  const frame = Buffer.alloc(frameBytes);
  const sumsBigEndian = magics.has(header.readUInt32BE(0)) && header.readUInt32BE(0) % 2 === 1;
  const headerSum = checksum([0, 0], header.subarray(0, 24), sumsBigEndian);
  const isHeaderWhole = headerSum[0] === header.readUInt32BE(24) && headerSum[1] === header.readUInt32BE(28);
  let salts: Buffer | undefined = isHeaderWhole ? Buffer.from(header.subarray(16, 24)) : undefined;
  let before: Sum | undefined = isHeaderWhole ? headerSum : undefined;
  const frames: Read[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = headerBytes + index * frameBytes;
    readSync(fd, frame, 0, frameBytes, start);
    // Without a header the first frame says which round this is.
    salts ??= Buffer.from(frame.subarray(8, 16));
    const isOfRound = salts.equals(frame.subarray(8, 16));
    const said: Sum = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
    const isWhole = isOfRound && before !== undefined && isSum(said, before, frame, sumsBigEndian);
    frames.push({
      page: frame.readUInt32BE(0),
      offset: start + frameHeaderBytes,
      pagesAfter: frame.readUInt32BE(4),
      isWhole,
      isOfRound,
    });
    before = said;
  }
  const end = frames.findLastIndex(({ isOfRound }) => isOfRound);
  return frames.slice(0, end + 1);
}

function isSum(said: Sum, before: Sum, frame: Buffer, bigEndian: boolean): boolean {
  const sum = checksum(checksum(before, frame.subarray(0, 8), bigEndian), frame.subarray(frameHeaderBytes), bigEndian);
  return sum[0] === said[0] && sum[1] === said[1];
}

function checksum([first, second]: Sum, bytes: Buffer, bigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let a = first;
  let b = second;
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}
