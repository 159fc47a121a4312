import { type ErrorCode, errorTable } from "./table.ts";

/** One refused input: `path` leads to the field (list indexes as decimal text), `code` as in Discord's form errors. */
export interface FieldError {
  readonly path: readonly string[];
  readonly code: string;
  readonly message: string;
}

/** What may accompany a code: the error underneath, the refused fields, and the least wait before another try (ms). */
export interface GuildhallErrorOptions {
  readonly cause?: unknown;
  readonly fields?: readonly FieldError[];
  readonly retryAfterMs?: number;
}

// In the global registry, so that copies of this module and other realms agree.
const brand = Symbol.for("guildhall.error");

/**
 * The one error class. `code` is stable and decides everything (see `errorTable`); `message` is for people who operate
 * the platform and is never tested on, nor shown to clients of codes that hide their cause (INTERNAL).
 */
export class GuildhallError extends Error {
  override readonly name = "GuildhallError";
  readonly code: ErrorCode;
  // Declared only: an error without them has no such properties.
  declare readonly fields?: readonly FieldError[];
  declare readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: GuildhallErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.fields !== undefined) this.fields = options.fields;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }

  /** Whether the same request, with the same request id, may succeed when it is sent again. */
  shouldRetry(): boolean {
    return errorTable[this.code].retry;
  }
}

/** Whether a value is a GuildhallError, also one of another realm or another copy of this module. */
export function isGuildhallError(value: unknown): value is GuildhallError {
  return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
}

/** Normalises whatever was thrown: a GuildhallError is returned as it is, all else becomes INTERNAL with it as `cause`. */
export function toGuildhallError(value: unknown): GuildhallError {
  if (isGuildhallError(value)) return value;
  return new GuildhallError("INTERNAL", messageOf(value), { cause: value });
}

function messageOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "object" && value !== null) {
    const { message } = value as { message?: unknown };
    if (typeof message === "string" && message !== "") return message;
  }
  return errorTable.INTERNAL.message;
}
