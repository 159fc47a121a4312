/**
 * What went wrong with a database file. `unavailable`: it may work again (disk full, folder not writable). `version`: it
 * was written by another version. `damaged`: its content is not a sound database.
 */
export type EngineFault = "unavailable" | "version" | "damaged";

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

/** Names the fault of whatever was thrown at work on the file `path`. */
export function toEngineError(path: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const { errcode, errstr, message } = error as { errcode?: number; errstr?: string; message?: string };
  const primary = errcode === undefined ? undefined : errcode & 0xff;
  const fault = primary !== undefined && damagedCodes.has(primary) ? "damaged" : "unavailable";
  const number = errcode === undefined ? "" : ` (SQLite ${errcode})`;
  return new EngineError(fault, `${path}: ${errstr ?? message ?? String(error)}${number}`, error);
}
