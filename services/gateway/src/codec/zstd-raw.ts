import type { Body } from "../domain/body.ts";
import { type Codec, comma, dispatchPrefix } from "./codec.ts";
import { digitsOf, type FrameSink } from "./frame-sink.ts";
import { binaryFrame, frameHead, maxHeadBytes } from "./web-socket-frame.ts";

// RFC 8878, 3.1.1: magic number; no content size, no checksum, no dictionary; a window of 128 KiB.
const streamHead = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38] as const;

// RFC 8878, 3.1.1.2: a block's size is 21 bits and not above the window's.
const blockHeadBytes = 3;
const maxBlockBytes = 128 * 1024;

/** A zstd frame that never ends, of raw blocks: they carry no state, so their bytes are those of the plain payload. */
export class ZstdRawCodec implements Codec {
  #hasBegun = false;

  dispatch(sink: FrameSink, s: number, body: Body): void {
    const digits = digitsOf(s);
    const prefixBytes = dispatchPrefix.length + digits + 1;
    const blocks = this.#open(sink, prefixBytes + body.length, prefixBytes);
    blocks.begin();
    sink.bytes(dispatchPrefix);
    sink.decimal(s, digits);
    sink.byte(comma);
    blocks.skip(prefixBytes);
    for (const { bytes } of body.segments) blocks.bytes(bytes);
  }

  control(sink: FrameSink, json: Uint8Array): void {
    this.#open(sink, json.length, 0).bytes(json);
  }

  #open(sink: FrameSink, length: number, room: number): Blocks {
    const framed = length + blockHeadBytes * Math.ceil(length / maxBlockBytes);
    sink.reserve(maxHeadBytes + streamHead.length + blockHeadBytes + room);
    frameHead(sink, binaryFrame, framed + (this.#hasBegun ? 0 : streamHead.length));
    if (!this.#hasBegun) for (const byte of streamHead) sink.byte(byte);
    this.#hasBegun = true;
    return new Blocks(sink, length);
  }
}

/** Puts a block's head wherever one is due in a payload of known length. */
class Blocks {
  readonly #sink: FrameSink;
  #left: number;
  #room = 0;

  constructor(sink: FrameSink, length: number) {
    this.#sink = sink;
    this.#left = length;
  }

  begin(): void {
    this.#room = Math.min(this.#left, maxBlockBytes);
    this.#sink.reserve(blockHeadBytes);
    this.#sink.uint24Little(this.#room << 3);
  }

  /** That many bytes of the block have been put in already. */
  skip(bytes: number): void {
    this.#room -= bytes;
    this.#left -= bytes;
  }

  bytes(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#room === 0) this.begin();
      const piece = bytes.subarray(from, from + this.#room);
      this.#sink.bytes(piece);
      this.skip(piece.length);
      from += piece.length;
    }
  }
}
