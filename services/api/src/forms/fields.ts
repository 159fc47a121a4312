import { allPermissions } from "@guildhall/permissions";
import { parseSnowflake } from "@guildhall/snowflake";
import { z } from "zod";

/** Says what is wrong with a field: Discord's inner code and a text for people. */
export type Refuse = (code: string, message: string) => void;

/**
 * A field read by `read` from whatever the client sent. Absent and null are refused as missing; wrap the field in
 * `optional` or `clearable` to allow them. After a `refuse` the result of `read` is thrown away.
 */
export function field<T>(read: (value: unknown, refuse: Refuse) => T) {
  return z.unknown().transform((value, context): T => {
    const refuse: Refuse = (code, message) => {
      context.issues.push({ code: "custom", input: value, message, params: { discord: code } });
    };
    if (value !== undefined && value !== null) return read(value, refuse);
    refuse("BASE_TYPE_REQUIRED", "This field is required");
    return undefined as T;
  });
}

/** A field that may be absent or null; both come out as undefined. */
export function optional<T extends z.ZodType>(inner: T) {
  return inner.nullish().transform((value) => value ?? undefined);
}

/** A field that may be absent (undefined, unchanged) and that null sets to `cleared`. */
export function clearable<T extends z.ZodType, C extends z.output<T>>(inner: T, cleared: C) {
  return inner.nullish().transform((value) => (value === null ? cleared : value));
}

/** Bounds of a text, in code points. */
export interface TextBounds {
  readonly min?: number;
  /** Whether an empty text is a missing one; that it is too long is then said without naming a least length. */
  readonly required?: boolean;
  readonly max: number;
  /** Whether surrounding white space is cut off before counting. */
  readonly trim?: boolean;
}

/** A string within bounds; lone surrogates become U+FFFD. */
export function text({ min = 0, max, trim = false, required = false }: TextBounds) {
  return field((value, refuse) => {
    if (typeof value !== "string") {
      refuse("STRING_TYPE_CONVERT", `Could not interpret "${shown(value)}" as string.`);
      return "";
    }
    const result = trim ? value.toWellFormed().trim() : value.toWellFormed();
    if (required && result === "") refuse("BASE_TYPE_REQUIRED", "This field is required");
    else refuseLength(refuse, lengthOf(result), min, max);
    return result;
  });
}

/** Refuses a length out of bounds in Discord's words. */
function refuseLength(refuse: Refuse, length: number, min: number, max: number): void {
  if (length >= min && length <= max) return;
  if (min === 0) refuse("BASE_TYPE_MAX_LENGTH", `Must be ${max} or fewer in length.`);
  else if (length === 0 && min === 1) refuse("BASE_TYPE_REQUIRED", "This field is required");
  else refuse("BASE_TYPE_BAD_LENGTH", `Must be between ${min} and ${max} in length.`);
}

/** Code points of a text: what Discord counts. */
export function lengthOf(value: string): number {
  let count = 0;
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    if (unit < 0xdc00 || unit > 0xdfff) count++;
  }
  return count;
}

/** Bounds of a whole number. */
export interface IntegerBounds {
  readonly min: number;
  readonly max: number;
}

const decimal = /^-?\d{1,15}$/;

/** A whole number within bounds, as a JSON number or decimal text. */
export function integer({ min, max }: IntegerBounds) {
  return field((value, refuse) => {
    const number = typeof value === "string" && decimal.test(value) ? Number(value) : value;
    if (typeof number === "bigint") {
      refuseRange(refuse, number, min, max);
      return min;
    }
    if (typeof number !== "number" || !Number.isInteger(number)) {
      refuse("NUMBER_TYPE_COERCE", `Value "${shown(value)}" is not int.`);
      return min;
    }
    refuseRange(refuse, number, min, max);
    return number;
  });
}

function refuseRange(refuse: Refuse, number: number | bigint, min: number, max: number): void {
  if (number > max) refuse("NUMBER_TYPE_MAX", `int value should be less than or equal to ${max}.`);
  if (number < min) refuse("NUMBER_TYPE_MIN", `int value should be greater than or equal to ${min}.`);
}

/** One of a closed set of numbers. */
export function choice<const T extends number>(choices: readonly T[]) {
  return field((value, refuse) => {
    const number = typeof value === "string" && decimal.test(value) ? Number(value) : value;
    const found = choices.find((each) => each === number);
    if (found !== undefined) return found;
    if (typeof number !== "number") refuse("ENUM_TYPE_COERCE", `Value "${shown(value)}" is not a valid enum value.`);
    else refuse("BASE_TYPE_CHOICES", `Value must be one of {${choices.join(", ")}}.`);
    return choices[0] as T;
  });
}

/** One of a closed set of texts. */
export function word<const T extends string>(words: readonly T[]) {
  return field((value, refuse) => {
    const found = words.find((each) => each === value);
    if (found !== undefined) return found;
    refuse("BASE_TYPE_CHOICES", `Value must be one of {${words.map((each) => `'${each}'`).join(", ")}}.`);
    return words[0] as T;
  });
}

/** A JSON boolean. */
export function flag() {
  return field((value, refuse) => {
    if (typeof value !== "boolean") refuse("BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
    return value === true;
  });
}

const queryTruth = new Map<unknown, boolean>([
  ["true", true],
  ["True", true],
  ["1", true],
  ["false", false],
  ["False", false],
  ["0", false],
]);

/** A boolean of a query string: True, true or 1 and their opposites. */
export function queryFlag() {
  return field((value, refuse) => {
    const truth = queryTruth.get(value);
    if (truth === undefined) refuse("BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
    return truth ?? false;
  });
}

/** A 64-bit id, as text or as a JSON integer of any size (discord.py sends integers). */
export function snowflake() {
  return field((value, refuse) => {
    const id = toUnsigned(value);
    if (id === undefined) refuse("NUMBER_TYPE_COERCE", `Value "${shown(value)}" is not snowflake.`);
    return id ?? 0n;
  });
}

/** Permission bits, as decimal text or as a JSON integer; unknown bits are masked away. */
export function permissions() {
  return field((value, refuse) => {
    const bits = toUnsigned(value);
    if (bits === undefined) refuse("NUMBER_TYPE_COERCE", `Value "${shown(value)}" is not int.`);
    return (bits ?? 0n) & allPermissions;
  });
}

function toUnsigned(value: unknown): bigint | undefined {
  if (typeof value === "string") return parseSnowflake(value);
  if (typeof value === "number") return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  return typeof value === "bigint" && value >= 0n && value < 1n << 64n ? value : undefined;
}

/** A list of at most `max` items. */
export function list<T extends z.ZodType>(item: T, max: number) {
  return z.array(item).max(max);
}

/** A field that this server cannot serve yet: absent, null and "nothing" pass, all else is refused in words. */
export function unavailable(what: string) {
  const refused = z.unknown().transform((value, context): undefined => {
    if (isNothing(value)) return undefined;
    const message = `${what} not available on this server.`;
    context.issues.push({ code: "custom", input: value, message, params: { discord: "FEATURE_UNAVAILABLE" } });
    return undefined;
  });
  return refused.optional();
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}

const shownChars = 100;

function shown(value: unknown): string {
  if (typeof value === "object") return Array.isArray(value) ? "[…]" : "{…}";
  const whole = String(value).toWellFormed();
  return whole.length <= shownChars ? whole : `${whole.slice(0, shownChars)}…`.toWellFormed();
}
