import { isAbsolute } from "node:path";
import type { Parser } from "./read-config.ts";

/** Any text. */
export const str: Parser<string> = (text) => text;

/** A whole number between `min` and `max`, both allowed. */
export function int({ min, max }: { readonly min: number; readonly max: number }): Parser<number> {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be a whole number from ${min} to ${max}, not "${text}"`);
    return value;
  };
}

/** A TCP or UDP port; 0 lets the system pick one. */
export const port: Parser<number> = int({ min: 0, max: 65_535 });

/** A duration in whole milliseconds, up to a day. */
export const durationMs: Parser<number> = int({ min: 1, max: 86_400_000 });

/** One of a few words. */
export function oneOf<const T extends string>(allowed: readonly T[]): Parser<T> {
  return (text) => {
    const found = allowed.find((word) => word === text);
    if (found === undefined) throw new Error(`must be one of ${allowed.join(", ")}, not "${text}"`);
    return found;
  };
}

/** Yes or no. */
export const bool: Parser<boolean> = (text) => oneOf(["true", "false"])(text) === "true";

/** A comma-separated list without empty items, each read by `parse`. */
export function listOf<T>(parse: Parser<T>): Parser<readonly T[]> {
  return (text) =>
    text.split(",").map((item) => {
      const trimmed = item.trim();
      if (trimmed === "") throw new Error(`must be a comma-separated list without empty items, not "${text}"`);
      return parse(trimmed);
    });
}

/** A comma-separated list of words. */
export const list: Parser<readonly string[]> = listOf(str);

/** Where a gRPC server is reached: `host:port` or `unix:/absolute/path`. */
export const address: Parser<string> = (text) => {
  const path = text.startsWith("unix:") ? text.slice("unix:".length) : undefined;
  const ok =
    path === undefined ? /^.+:\d{1,5}$/.test(text) && Number(text.split(":").at(-1)) <= 65_535 : isAbsolute(path);
  if (!ok) throw new Error(`must be host:port or unix:/absolute/path, not "${text}"`);
  return text;
};

/** A comma-separated list of gRPC addresses. */
export const addresses: Parser<readonly string[]> = listOf(address);

/** An absolute path of a folder; it need not exist yet. */
export const dir: Parser<string> = (text) => {
  if (!isAbsolute(text)) throw new Error(`must be an absolute path, not "${text}"`);
  return text;
};

/** An absolute URL of one of the schemes, e.g. `url(["ws", "wss"])`; returned without a trailing slash. */
export function url(schemes: readonly string[]): Parser<string> {
  return (text) => {
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : "";
    if (!schemes.includes(scheme)) throw new Error(`must be a URL (${schemes.join(", ")}), not "${text}"`);
    return text.replace(/\/+$/, "");
  };
}
