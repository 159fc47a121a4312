import { isAbsolute } from "node:path";
import { GuildhallError } from "@guildhall/errors";

/** Reads one field of a request's body: its value, or what it must be. */
export type FieldReader<T> = (value: unknown) => { readonly value: T } | { readonly mustBe: string };

type Fields = Readonly<Record<string, FieldReader<unknown>>>;

/** What a form gives when it was read. */
export type FormOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends FieldReader<infer T> ? T : never };

const noPath = "";

/** The error that refuses a request for one field. */
export function badField(path: string, message: string): GuildhallError {
  const fields = path === noPath ? [] : [{ path: [path], code: "INVALID_FORM", message }];
  return new GuildhallError("INVALID_FORM", path === noPath ? message : `${path}: ${message}`, { fields });
}

/** Reads a body that has these fields and no others. Throws INVALID_FORM that names the first wrong one. */
export function readForm<F extends Fields>(body: unknown, fields: F): FormOf<F> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw badField(noPath, "the body must be a JSON object");
  }
  const given = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    const known = Object.keys(fields).join(", ") || "none";
    throw badField(unknown, `unknown field (known here: ${known})`);
  }
  const read = Object.entries(fields).map(([name, reader]) => {
    const result = reader(Object.hasOwn(given, name) ? given[name] : undefined);
    if ("mustBe" in result) throw badField(name, result.mustBe);
    return [name, result.value];
  });
  return Object.fromEntries(read) as FormOf<F>;
}

/** A field that may be left out: undefined then. */
export function optional<T>(reader: FieldReader<T>): FieldReader<T | undefined> {
  return (value) => (value === undefined ? { value: undefined } : reader(value));
}

/** true or false; left out: false. */
export const flag: FieldReader<boolean> = (value) =>
  value === undefined || typeof value === "boolean" ? { value: value ?? false } : { mustBe: "must be true or false" };

/** A whole number within limits, both included. */
export function whole(least: number, most: number): FieldReader<number> {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? { value }
      : { mustBe: `must be a whole number from ${least} to ${most}` };
}

/** Text that matches. */
export function text(pattern: RegExp, mustBe: string): FieldReader<string> {
  return (value) => (typeof value === "string" && pattern.test(value) ? { value } : { mustBe });
}

/** The absolute path of a folder. */
export const folder: FieldReader<string> = (value) =>
  typeof value === "string" && isAbsolute(value) && value.length <= 4_096 && !value.includes("\0")
    ? { value }
    : { mustBe: "must be the absolute path of a folder" };
