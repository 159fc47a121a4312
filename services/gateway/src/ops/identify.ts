import { closeCode } from "@guildhall/protocol";
import { identify as makeSession } from "../session/identify.ts";
import { readIdentify } from "../session/identify-request.ts";
import type { Op } from "./op.ts";

/** Op 2: makes a session. Once per connection, unless INVALID_SESSION came after it. */
export const identify: Op = (context, connection, d) => {
  if (connection.session !== undefined || connection.isIdentifying) return closeCode.ALREADY_AUTHENTICATED;
  const request = readIdentify(d);
  if (request === undefined) return closeCode.DECODE_ERROR;
  void makeSession(context, connection, request);
  return undefined;
};
