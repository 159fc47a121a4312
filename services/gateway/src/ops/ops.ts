import { type CloseCode, closeCode, opcodes } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import type { Connection } from "../transport/connection.ts";
import { heartbeat, qosHeartbeat } from "./heartbeat.ts";
import { identify } from "./identify.ts";
import type { Op, SessionOp } from "./op.ts";
import { presenceUpdate } from "./presence-update.ts";
import { requestGuildMembers } from "./request-guild-members.ts";
import { resume } from "./resume.ts";
import { voiceStateUpdate } from "./voice-state-update.ts";

/** Legal before there is a session. */
const early: ReadonlyMap<number, Op> = new Map([
  [opcodes.HEARTBEAT, heartbeat],
  [opcodes.QOS_HEARTBEAT, qosHeartbeat],
  [opcodes.IDENTIFY, identify],
  [opcodes.RESUME, resume],
]);

/** Taken and without effect: every session gets all events of its guilds anyway, and nothing is measured here. */
const ignored: SessionOp = () => undefined;

const late: ReadonlyMap<number, SessionOp> = new Map([
  [opcodes.PRESENCE_UPDATE, presenceUpdate],
  [opcodes.VOICE_STATE_UPDATE, voiceStateUpdate],
  [opcodes.VOICE_SERVER_PING, ignored],
  [opcodes.REQUEST_GUILD_MEMBERS, requestGuildMembers],
  [opcodes.GUILD_SUBSCRIPTIONS, ignored],
  [opcodes.GUILD_SUBSCRIPTIONS_BULK, ignored],
  [opcodes.UPDATE_TIME_SPENT_SESSION_ID, ignored],
]);

/** Does what a payload asks for; a close code when it is refused. */
export function runOp(context: GatewayContext, connection: Connection, op: number, d: unknown): CloseCode | undefined {
  const earlyOp = early.get(op);
  if (earlyOp !== undefined) return earlyOp(context, connection, d);
  const lateOp = late.get(op);
  if (lateOp === undefined) return closeCode.UNKNOWN_OPCODE;
  const { session } = connection;
  return session === undefined ? closeCode.NOT_AUTHENTICATED : lateOp(context, session, d, connection);
}
