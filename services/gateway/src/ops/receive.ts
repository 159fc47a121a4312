import { parseJson } from "@guildhall/json";
import { type CloseCode, closeCode, gatewayLimits, opcodes } from "@guildhall/protocol";
import type { GatewayContext } from "../context.ts";
import { RateWindow } from "../domain/rate-window.ts";
import { closeConnection } from "../session/end.ts";
import type { Connection } from "../transport/connection.ts";
import { asFields } from "./fields.ts";
import { runOp } from "./ops.ts";

const windowMs = 60_000;
const maxEvents = gatewayLimits.client_events_per_60s;
// Heartbeats count, but a client that keeps to the limit otherwise is not closed for them.
const heartbeatHeadroom = 10;
const maxDepth = 32;

/** A message has come in. */
export function receive(context: GatewayContext, connection: Connection, data: Buffer): void {
  if (connection.isClosing) return;
  const code = take(context, connection, data);
  if (code !== undefined) closeConnection(context, connection, code);
}

/** A ping has come in: the answer costs as much as that to a heartbeat. */
export function receivePing(context: GatewayContext, connection: Connection): void {
  if (isOverLimit(context, connection, heartbeatHeadroom)) closeConnection(context, connection, closeCode.RATE_LIMITED);
}

function take(context: GatewayContext, connection: Connection, data: Buffer): CloseCode | undefined {
  const isPerson = connection.session?.profile.isBot !== true;
  const maxBytes = isPerson ? gatewayLimits.max_client_frame_bytes_user : gatewayLimits.max_client_frame_bytes_bot;
  if (data.length > maxBytes) return closeCode.DECODE_ERROR;
  const payload = decode(data);
  const op = payload?.op;
  if (typeof op !== "number" || !Number.isInteger(op)) return closeCode.DECODE_ERROR;
  const isBeat = op === opcodes.HEARTBEAT || op === opcodes.QOS_HEARTBEAT;
  if (isOverLimit(context, connection, isBeat ? heartbeatHeadroom : 0)) return closeCode.RATE_LIMITED;
  if (connection.isLeaving && !isBeat) return undefined;
  return runOp(context, connection, op, payload?.d);
}

function decode(data: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return asFields(parseJson(data.toString(), { maxDepth }));
  } catch {
    return undefined;
  }
}

function isOverLimit({ config, clock }: GatewayContext, connection: Connection, headroom: number): boolean {
  if (config.rateLimits === "Off") return false;
  connection.window ??= new RateWindow();
  return connection.window.add(clock.monotonicMs(), windowMs) > maxEvents + headroom;
}
