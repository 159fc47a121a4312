import { constants, deflateRawSync } from "node:zlib";
import type { Segment } from "../domain/body.ts";
import { keepTogether } from "../domain/byte-shelf.ts";

/** Compresses the shared pieces of events, each once. */
export interface Deflater {
  /** Raw deflate that refers to nothing before it and ends on a byte: it may stand anywhere in any deflate stream. */
  deflate(segment: Segment): Uint8Array;
}

// Level 3 takes no longer than level 1 for messages of some hundred bytes, and comes within 1 % of level 6.
const options = { finishFlush: constants.Z_SYNC_FLUSH, level: 3 };

/** Makes the deflater of a process; `onCall` counts its work. */
export function makeDeflater(onCall: () => void): Deflater {
  return {
    deflate(segment) {
      if (segment.deflated === undefined) {
        // What zlib gives is a small part of a large buffer.
        segment.deflated = keepTogether([deflateRawSync(segment.bytes, options)]);
        onCall();
      }
      return segment.deflated;
    },
  };
}
