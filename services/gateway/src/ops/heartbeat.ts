import { closeCode } from "@guildhall/protocol";
import { heartbeatAck } from "../session/payloads.ts";
import { asFields } from "./fields.ts";
import type { Op } from "./op.ts";

/** Op 1: `d` is the last `s` or null. Legal from the first moment on. */
export const heartbeat: Op = (context, connection, d) => {
  if (d !== null && d !== undefined && typeof d !== "number") return closeCode.DECODE_ERROR;
  connection.lastBeatMs = context.clock.monotonicMs();
  connection.control(heartbeatAck);
  return undefined;
};

/** Op 40, of people's clients: a heartbeat with more in it. */
export const qosHeartbeat: Op = (context, connection, d) => heartbeat(context, connection, asFields(d)?.seq);
