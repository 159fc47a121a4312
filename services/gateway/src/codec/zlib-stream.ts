import type { Body, Segment } from "../domain/body.ts";
import { type Codec, comma, dispatchPrefix } from "./codec.ts";
import type { Deflater } from "./deflate.ts";
import { digitsOf, type FrameSink } from "./frame-sink.ts";
import { binaryFrame, frameHead, maxHeadBytes } from "./web-socket-frame.ts";

// RFC 1950: deflate, window of 32 KiB, no dictionary. The stream never ends, so its checksum is never sent.
const streamHead = [0x78, 0x01] as const;

// RFC 1951, 3.2.4: a stored block is one byte (with the stream at a byte's border), a length, its complement.
const storedHeadBytes = 5;
const maxStoredBytes = 65_535;

/**
 * A zlib stream of which most is shared: what differs by connection goes in stored blocks, what is shared was compressed
 * once for all. Every payload ends in an empty stored block, 00 00 ff ff, as after Z_SYNC_FLUSH.
 */
export class ZlibStreamCodec implements Codec {
  readonly #deflater: Deflater;
  #hasBegun = false;

  constructor(deflater: Deflater) {
    this.#deflater = deflater;
  }

  dispatch(sink: FrameSink, s: number, body: Body): void {
    const digits = digitsOf(s);
    const prefixBytes = dispatchPrefix.length + digits + 1;
    const { segments } = body;
    let length = storedLength(prefixBytes);
    for (const segment of segments) length += this.#lengthOf(segment);
    const endsStored = !(segments.at(-1)?.isShared ?? false);
    if (endsStored) length += storedHeadBytes;
    this.#open(sink, length, storedHeadBytes + prefixBytes);
    storedHead(sink, prefixBytes);
    sink.bytes(dispatchPrefix);
    sink.decimal(s, digits);
    sink.byte(comma);
    for (const segment of segments) {
      if (segment.isShared) sink.bytes(this.#deflater.deflate(segment));
      else stored(sink, segment.bytes);
    }
    if (endsStored) storedHead(sink, 0);
  }

  control(sink: FrameSink, json: Uint8Array): void {
    this.#open(sink, storedLength(json.length) + storedHeadBytes, 0);
    stored(sink, json);
    storedHead(sink, 0);
  }

  #lengthOf(segment: Segment): number {
    return segment.isShared ? this.#deflater.deflate(segment).length : storedLength(segment.bytes.length);
  }

  #open(sink: FrameSink, length: number, room: number): void {
    sink.reserve(maxHeadBytes + streamHead.length + room);
    frameHead(sink, binaryFrame, length + (this.#hasBegun ? 0 : streamHead.length));
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const byte of streamHead) sink.byte(byte);
  }
}

function storedLength(bytes: number): number {
  return bytes + storedHeadBytes * Math.ceil(bytes / maxStoredBytes);
}

function storedHead(sink: FrameSink, length: number): void {
  sink.reserve(storedHeadBytes);
  sink.byte(0);
  sink.uint16Little(length);
  sink.uint16Little(length ^ 0xffff);
}

function stored(sink: FrameSink, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += maxStoredBytes) {
    const block = bytes.subarray(from, from + maxStoredBytes);
    storedHead(sink, block.length);
    sink.bytes(block);
  }
}
