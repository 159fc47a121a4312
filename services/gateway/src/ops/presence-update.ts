import { closeCode } from "@guildhall/protocol";
import { asFields, isOptional } from "./fields.ts";
import type { SessionOp } from "./op.ts";

const statuses: readonly unknown[] = ["online", "idle", "dnd", "invisible", "offline"];

/** Op 3: the client's own status. Its form is checked; it is not shown to others, as presence is not broadcast. */
export const presenceUpdate: SessionOp = (_context, _session, d) => {
  const fields = asFields(d);
  if (fields === undefined || !statuses.includes(fields.status)) return closeCode.DECODE_ERROR;
  const { activities, afk, since } = fields;
  const isList = activities === undefined || activities === null || Array.isArray(activities);
  if (!isList || !isOptional(afk, "boolean") || !isOptional(since, "number")) return closeCode.DECODE_ERROR;
  return undefined;
};
