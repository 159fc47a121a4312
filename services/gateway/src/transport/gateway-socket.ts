import { WebSocket } from "ws";
import { closeCode, reasonOf } from "../close-codes.ts";
import type { Connection } from "./connection.ts";

/** Where the events of all sockets go. */
export interface SocketEvents {
  received(connection: Connection, data: Buffer): void;
  pinged(connection: Connection): void;
  left(connection: Connection, code: number): void;
}

// RFC 6455, 7.4.1: "not consistent with the type of the message" and "too big".
const invalidPayload = 1007;
const messageTooBig = 1009;

/** A WebSocket that knows its connection. What the library refuses of a message is a decode error to Discord's clients. */
export class GatewaySocket extends WebSocket {
  connection: Connection | undefined = undefined;
  door: SocketEvents | undefined = undefined;

  override close(code?: number, reason?: string | Buffer): void {
    const isDecodeError = code === messageTooBig || code === invalidPayload;
    if (isDecodeError) super.close(closeCode.DECODE_ERROR, reasonOf(closeCode.DECODE_ERROR));
    else super.close(code, reason);
  }
}
