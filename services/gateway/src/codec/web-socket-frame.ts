import type { FrameSink } from "./frame-sink.ts";

/** Opcodes of RFC 6455 with the FIN bit set. */
export const textFrame = 0x81;
export const binaryFrame = 0x82;

/** Room that `frameHead` needs at most. */
export const maxHeadBytes = 10;

/** Writes the head of an unmasked frame (RFC 6455, 5.2); room must have been reserved. */
export function frameHead(sink: FrameSink, opcode: number, length: number): void {
  sink.byte(opcode);
  if (length < 126) {
    sink.byte(length);
  } else if (length < 65_536) {
    sink.byte(126);
    sink.uint16(length);
  } else {
    sink.byte(127);
    sink.uint16(0);
    sink.uint16(0);
    sink.uint16(Math.floor(length / 65_536));
    sink.uint16(length % 65_536);
  }
}
