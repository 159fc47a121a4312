import { type FieldError, GuildhallError } from "@guildhall/errors";
import { parseSnowflake } from "@guildhall/snowflake";
import type { z } from "zod";
import type { Identity } from "../auth/authenticator.ts";
import type { ApiContext } from "../context.ts";
import type { Answer } from "../http/answer.ts";
import type { LimitName } from "../limits/limits.ts";

/** The methods of the API. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/**
 * Who may call: `nobody` in particular (no token is looked at), `anyone` (a token is optional, but valid), an `account`
 * of either kind, a `bot` or a `person`.
 */
export type Caller = "nobody" | "anyone" | "account" | "bot" | "person";

type ParamName<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamName<Rest>
  : never;

/** What the `{…}` of a path hold: texts for invite codes and emoji, else ids. */
type Params<Path extends string> = {
  readonly [Name in ParamName<Path>]: Name extends "code" | "emoji" ? string : bigint;
};

/** A request that has been admitted and whose form is right. */
export interface Call<P, Q, B> {
  readonly context: ApiContext;
  readonly identity: Identity | undefined;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** For the audit log; empty = none. */
  readonly reason: string;
  readonly traceparent: string;
  /** The address of the client. */
  readonly address: string;
}

/** One method of one path, as the service knows it. */
export interface Route {
  readonly method: Method;
  /** Below the base, in the words of `restEndpoints`. */
  readonly path: string;
  readonly caller: Caller;
  /** Permissions that the caller needs, in words; they are checked by the owner of the guild. */
  readonly needs: string;
  readonly limit: LimitName;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly handle: (call: Call<never, never, never>) => Answer | Promise<Answer>;
}

interface RouteSpec<Path extends string, Q, B> {
  readonly method: Method;
  readonly path: Path;
  readonly caller?: Caller;
  readonly needs?: string;
  readonly limit?: LimitName;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly handle: (call: Call<Params<Path>, Q, B>) => Answer | Promise<Answer>;
}

/** Declares a route; `caller` is an account, and `limit` that of reads or of changes, when not said. */
export function route<const Path extends string, Q = undefined, B = undefined>(spec: RouteSpec<Path, Q, B>): Route {
  const { method, path, caller = "account", needs = "-", query, body, handle } = spec;
  const limit = spec.limit ?? (method === "GET" ? "read" : "change");
  return { method, path, caller, needs, limit, query, body, handle };
}

const paramNames: Readonly<Record<string, string>> = {
  c: "channel_id",
  g: "guild_id",
  m: "message_id",
  r: "role_id",
  u: "user_id",
  overwrite: "overwrite_id",
};

/** Names of the `{…}` in a path. */
export function paramsOf(path: string): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
}

/** Reads what stands in the `{…}`; adds to `fields` what is no id. */
export function readParams(
  names: readonly string[],
  given: Readonly<Record<string, string>>,
  fields: FieldError[],
): Record<string, string | bigint> {
  const params: Record<string, string | bigint> = {};
  for (const name of names) {
    const text = given[name] ?? "";
    const fieldName = paramNames[name];
    const id = fieldName === undefined ? text : parseSnowflake(text);
    if (id !== undefined) params[name] = id;
    else {
      const message = `Value "${text.slice(0, 100).toWellFormed()}" is not snowflake.`;
      fields.push({ path: [fieldName as string], code: "NUMBER_TYPE_COERCE", message });
    }
  }
  return params;
}

/** Whose request it is, on a route that does not admit strangers. */
export function identityOf({ identity }: { readonly identity: Identity | undefined }): Identity {
  if (identity === undefined) throw new GuildhallError("UNAUTHORIZED", "no valid token");
  return identity;
}
