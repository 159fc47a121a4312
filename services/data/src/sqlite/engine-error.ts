/**
 * What went wrong with a database file. `unavailable`: it may work again (disk full, folder not writable). `uncertain`: it
 * may work again, and what failed may turn out to be there all the same. `version`: it was written by another version.
 * `damaged`: its content is not a sound database.
 */
export type EngineFault = "unavailable" | "uncertain" | "version" | "damaged";

/** An error of a database file, told apart by `fault`. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly fault: EngineFault;

  constructor(fault: EngineFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const damagedCodes = new Set([11, 26]);

/**
 * SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: the commit has been written, and comes back if the process ends before
 * the next one is written over it.
 */
const uncertainCodes = new Set([1034, 1290]);

/** Names the fault of whatever was thrown at work on the file `path`. */
export function toEngineError(path: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const { errcode, errstr, message } = error as { errcode?: number; errstr?: string; message?: string };
  const number = errcode === undefined ? "" : ` (SQLite ${errcode})`;
  return new EngineError(faultOf(errcode), `${path}: ${errstr ?? message ?? String(error)}${number}`, error);
}

function faultOf(errcode: number | undefined): EngineFault {
  if (errcode === undefined) return "unavailable";
  if (damagedCodes.has(errcode & 0xff)) return "damaged";
  return uncertainCodes.has(errcode) ? "uncertain" : "unavailable";
}
