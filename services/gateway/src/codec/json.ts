import type { Body } from "../domain/body.ts";
import { type Codec, comma, dispatchPrefix } from "./codec.ts";
import { digitsOf, type FrameSink } from "./frame-sink.ts";
import { frameHead, maxHeadBytes, textFrame } from "./web-socket-frame.ts";

/** Text frames. It has no state: one object serves all connections. */
export const jsonCodec: Codec = {
  dispatch(sink: FrameSink, s: number, body: Body): void {
    const digits = digitsOf(s);
    const prefixBytes = dispatchPrefix.length + digits + 1;
    sink.reserve(maxHeadBytes + prefixBytes);
    frameHead(sink, textFrame, prefixBytes + body.length);
    sink.bytes(dispatchPrefix);
    sink.decimal(s, digits);
    sink.byte(comma);
    for (const { bytes } of body.segments) sink.bytes(bytes);
  },
  control(sink: FrameSink, json: Uint8Array): void {
    sink.reserve(maxHeadBytes);
    frameHead(sink, textFrame, json.length);
    sink.bytes(json);
  },
};
