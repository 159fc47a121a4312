/** Counts WebSocket frames that a server sends, and looks at no payload: what a load generator can afford. */
export class FrameCounter {
  frames = 0;
  bytes = 0;
  /** Payload bytes of the present frame that have not come yet. */
  #toSkip = 0;
  /** Bytes of a header that was cut in two. */
  #partial: Buffer | undefined;

  /** Takes in what came. */
  take(chunk: Buffer): void {
    this.bytes += chunk.length;
    let data = chunk;
    if (this.#partial !== undefined) {
      data = Buffer.concat([this.#partial, chunk]);
      this.#partial = undefined;
    }
    let at = 0;
    while (at < data.length) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, data.length - at);
        this.#toSkip -= skipped;
        at += skipped;
        if (this.#toSkip === 0) this.frames += 1;
        continue;
      }
      const header = readHeader(data, at);
      if (header === undefined) {
        // A copy: the chunk may be overwritten by the next one.
        this.#partial = Buffer.from(data.subarray(at));
        return;
      }
      at += header.headerBytes;
      this.#toSkip = header.payloadBytes;
      if (this.#toSkip === 0) this.frames += 1;
    }
  }
}

/** The header of a server's frame at an offset; undefined when it is not all there. */
function readHeader(data: Buffer, at: number): { headerBytes: number; payloadBytes: number } | undefined {
  const left = data.length - at;
  if (left < 2) return undefined;
  const short = (data[at + 1] ?? 0) & 0x7f;
  if (short < 126) return { headerBytes: 2, payloadBytes: short };
  if (short === 126) return left < 4 ? undefined : { headerBytes: 4, payloadBytes: data.readUInt16BE(at + 2) };
  return left < 10 ? undefined : { headerBytes: 10, payloadBytes: Number(data.readBigUInt64BE(at + 2)) };
}
