import { GuildhallError, isErrorCode, toGuildhallError } from "@guildhall/errors";
import type { Failure } from "@guildhall/proto";

/** How an error travels in a reply. What is not a GuildhallError becomes INTERNAL. */
export function toFailure(error: unknown): Failure {
  const { code, message, fields = [], retryAfterMs = 0 } = toGuildhallError(error);
  return {
    code,
    message,
    fields: fields.map((field) => ({ path: [...field.path], code: field.code, message: field.message })),
    retryAfterMs: Math.min(Math.max(0, Math.ceil(retryAfterMs)), 0xffff_ffff),
  };
}

/** The error that a peer answered with. A code that this build does not know becomes INTERNAL, named in the message. */
export function fromFailure({ code, message, fields, retryAfterMs }: Failure): GuildhallError {
  const known = isErrorCode(code);
  return new GuildhallError(known ? code : "INTERNAL", known ? message : `${code}: ${message}`, {
    ...(fields.length > 0 && { fields }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  });
}
