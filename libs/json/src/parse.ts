import { GuildhallError } from "@guildhall/errors";

/** `maxDepth`: how many arrays and objects may lie within one another; 128 when absent. */
export interface ParseJsonOptions {
  readonly maxDepth?: number;
}

const defaultMaxDepth = 128;

// Number.MAX_SAFE_INTEGER has 16 digits: shorter runs are exact as a number.
const unsafeDigits = 16;

// Far above any 64-bit id; keeps the cost of making a bigint linear in the text.
const maxDigits = 1000;

// The key itself, or an escape of one of its letters.
const protoKey = /__proto__|\\u00(?:5f|6f|7[024])/i;

const integer = /^-?\d+$/;

const quote = 0x22;
const backslash = 0x5c;

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

/**
 * Parses JSON text. Integers beyond Number.MAX_SAFE_INTEGER come back as bigint, all other numbers as number; keys
 * named `__proto__` are dropped. Throws GuildhallError MALFORMED_JSON for a syntax error, for nesting deeper than
 * `maxDepth` and for integers of more than 1,000 digits.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): unknown {
  const hasBigNumber = scan(text, options.maxDepth ?? defaultMaxDepth);
  try {
    if (hasBigNumber || protoKey.test(text))
      return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
    return JSON.parse(text);
  } catch (cause) {
    throw new GuildhallError("MALFORMED_JSON", "not valid JSON", { cause });
  }
}

/** The JSON text of a string, quoted and escaped; lone surrogates come out as escapes. */
export function jsonString(value: string): string {
  return JSON.stringify(value);
}

const revive: Reviver = (key, value, { source }) => {
  if (key === "__proto__") return undefined;
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return source !== undefined && integer.test(source) ? BigInt(source) : value;
};

/** One pass before parsing: refuses what is nested too deep; true when a run of many digits stands outside strings. */
function scan(text: string, maxDepth: number): boolean {
  let depth = 0;
  let digits = 0;
  let hasBigNumber = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x30 && unit <= 0x39) {
      digits++;
      if (digits === unsafeDigits) hasBigNumber = true;
      else if (digits > maxDigits) throw new GuildhallError("MALFORMED_JSON", `a number has over ${maxDigits} digits`);
      continue;
    }
    digits = 0;
    if (unit === quote) at = endOfString(text, at);
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > maxDepth) throw new GuildhallError("MALFORMED_JSON", `nested deeper than ${maxDepth}`);
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return hasBigNumber;
}

/** Where the string that opens at `start` closes; the end of the text when it does not, which parsing then refuses. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end, start)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number, start: number): boolean {
  let backslashes = 0;
  while (at - 1 - backslashes > start && text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
  return backslashes % 2 === 1;
}
