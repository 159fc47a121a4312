import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { readWal, type Wal } from "./wal.ts";

/** A page as it was at some time. */
export interface PageImage {
  readonly page: number;
  readonly bytes: Buffer;
  /** Part of a transaction that was committed, as far as the files tell. */
  readonly committed: boolean;
}

/** The pages of a database file and its log, read without SQLite: also where that finds the file damaged. */
export interface PageImages extends Disposable {
  readonly pageSize: number;
  /** Pages that the file has, whole ones. */
  readonly inFile: number;
  readonly wal: Wal;
  /** The page as it was last committed, as far as it can be read. */
  latest(page: number): Buffer | undefined;
  /** Every page as it was last committed; pages that are nowhere are left out. */
  current(): Iterable<PageImage>;
  /** Every image of every page, older ones and those of unfinished transactions included. */
  all(): Iterable<PageImage>;
}

const chunkPages = 256;

/** Opens the images of the database at `path`; its own pages may be missing altogether. */
export function openPageImages(path: string, pageSize: number): PageImages {
  const wal = readWal(`${path}-wal`, pageSize);
  const main = tryOpen(path);
  const log = wal.frames.length === 0 ? undefined : tryOpen(wal.path);
  const inFile = main === undefined ? 0 : Math.floor(fstatSync(main).size / pageSize);
  const lastFrames = new Map<number, number>();
  for (const { page, offset, committed } of wal.frames) if (committed) lastFrames.set(page, offset);

  const read = (fd: number | undefined, offset: number): Buffer | undefined => {
    const bytes = Buffer.alloc(pageSize);
    return fd !== undefined && readSync(fd, bytes, 0, pageSize, offset) === pageSize ? bytes : undefined;
  };
  function* ofFile(): Iterable<PageImage> {
    const chunk = Buffer.alloc(chunkPages * pageSize);
    for (let first = 0; main !== undefined && first < inFile; first += chunkPages) {
      const pages = Math.floor(readSync(main, chunk, 0, chunk.length, first * pageSize) / pageSize);
      for (let index = 0; index < pages; index += 1) {
        const bytes = chunk.subarray(index * pageSize, (index + 1) * pageSize);
        yield { page: first + index + 1, bytes, committed: true };
      }
    }
  }
  return {
    pageSize,
    inFile,
    wal,
    latest(page) {
      const offset = lastFrames.get(page);
      return offset === undefined ? read(main, (page - 1) * pageSize) : read(log, offset);
    },
    *current() {
      for (const image of ofFile()) if (!lastFrames.has(image.page)) yield image;
      for (const [page, offset] of lastFrames) {
        const bytes = read(log, offset);
        if (bytes !== undefined) yield { page, bytes, committed: true };
      }
    },
    *all() {
      yield* ofFile();
      for (const { page, offset, committed } of wal.frames) {
        const bytes = read(log, offset);
        if (bytes !== undefined) yield { page, bytes, committed };
      }
    },
    [Symbol.dispose]() {
      for (const fd of [main, log]) if (fd !== undefined) closeSync(fd);
    },
  };
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}
