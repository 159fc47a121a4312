import { closeCode } from "@guildhall/protocol";
import { resume as resumeSession } from "../session/resume.ts";
import { asFields } from "./fields.ts";
import type { Op } from "./op.ts";

/** Op 6: goes on with a session on a fresh connection. */
export const resume: Op = (context, connection, d) => {
  if (connection.session !== undefined || connection.isIdentifying) return closeCode.ALREADY_AUTHENTICATED;
  const { token, session_id: sessionId, seq } = asFields(d) ?? {};
  if (typeof token !== "string" || typeof sessionId !== "string") return closeCode.DECODE_ERROR;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) return closeCode.DECODE_ERROR;
  void resumeSession(context, connection, { token, sessionId, seq });
  return undefined;
};
