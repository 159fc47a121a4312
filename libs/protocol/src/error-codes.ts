import rest from "../data/rest.json" with { type: "json" };

/** A name of `errorCodes`; where the platform uses the error, its code in @guildhall/errors has the same name. */
export type ErrorCodeName = keyof typeof rest.errors;

/** An error of Discord's API: the number in the body, its text, and the HTTP status it comes with. */
export interface ErrorCodeRow {
  readonly code: number;
  readonly message: string;
  readonly httpStatus: number;
}

/** Discord's error codes by name. */
export const errorCodes: Readonly<Record<ErrorCodeName, ErrorCodeRow>> = rest.errors;

const statuses: Readonly<Record<number, number>> = {
  20016: 429,
  20022: 429,
  20028: 429,
  20029: 429,
  20031: 400,
  40001: 401,
  40005: 413,
  40007: 403,
  40062: 429,
  40333: 403,
  50001: 403,
  50003: 403,
  50005: 403,
  50007: 403,
  50009: 403,
  50013: 403,
  50014: 401,
  50021: 403,
  50027: 401,
  50045: 413,
  60003: 403,
  90001: 403,
  110000: 202,
  130000: 503,
  160014: 403,
};

/** The HTTP status of one of Discord's error codes: by its range, but for the codes listed above. */
export function httpStatusOfCode(code: number): number {
  const listed = statuses[code];
  if (listed !== undefined) return listed;
  if (code >= 10_000 && code < 20_000) return 404;
  if (code >= 20_000 && code < 30_000) return 403;
  return 400;
}
