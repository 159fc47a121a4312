import { parseSnowflake } from "@guildhall/snowflake";

/** The fields of an object that came in; undefined for anything else. */
export function asFields(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** An id as libraries send it: decimal text or a whole number. */
export function asId(value: unknown): bigint | undefined {
  if (typeof value === "string") return parseSnowflake(value);
  if (typeof value === "bigint") return value >= 0n && value < 1n << 64n ? value : undefined;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
}

/** A list of ids, or one id instead of a list of one; undefined when one of them is none. */
export function asIds(value: unknown): readonly bigint[] | undefined {
  const ids = (Array.isArray(value) ? value : [value]).map(asId);
  return ids.every((id) => id !== undefined) ? ids : undefined;
}

/** Whether a field that may be left out is of a type. */
export function isOptional(value: unknown, type: "boolean" | "string" | "number"): boolean {
  return value === undefined || value === null || typeof value === type;
}
