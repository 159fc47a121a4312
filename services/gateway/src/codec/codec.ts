import type { Body } from "../domain/body.ts";
import type { FrameSink } from "./frame-sink.ts";

/** How one connection's payloads become WebSocket frames. Each payload is one frame. */
export interface Codec {
  /** A dispatch: `{"op":0,"s":…,` and the body. */
  dispatch(sink: FrameSink, s: number, body: Body): void;
  /** Any other payload, as JSON text. */
  control(sink: FrameSink, json: Uint8Array): void;
}

/** How a dispatch begins. */
export const dispatchPrefix = Buffer.from('{"op":0,"s":');
/** Between the number and the body. */
export const comma = 0x2c;
