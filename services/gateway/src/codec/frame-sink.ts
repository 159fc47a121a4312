const slabBytes = 128 * 1024;

/** From this size on, bytes are passed on where they lie instead of being copied into a slab (measured: below, a copy costs less than a second buffer in a write). */
export const copyLimitBytes = 8 * 1024;

const digits0 = 0x30;

/**
 * Where frames are put together: small pieces are copied side by side into a slab, large ones are referred to, and what
 * results goes to a socket in one write. One sink serves all connections of a process, one after the other.
 */
export class FrameSink {
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  #at = 0;
  #start = 0;
  #held = 0;
  #chunks: Buffer[] = [];

  /** Makes room for `bytes` more of small pieces without a break. */
  reserve(bytes: number): void {
    if (this.#at + bytes <= this.#slab.length) return;
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    this.#held = 0;
    this.recycle();
  }

  /** One byte; room must have been reserved. */
  byte(value: number): void {
    this.#slab[this.#at++] = value;
  }

  /** A 16-bit number, big end first; room must have been reserved. */
  uint16(value: number): void {
    this.#slab[this.#at++] = value >> 8;
    this.#slab[this.#at++] = value & 0xff;
  }

  /** A 16-bit number, little end first; room must have been reserved. */
  uint16Little(value: number): void {
    this.#slab[this.#at++] = value & 0xff;
    this.#slab[this.#at++] = value >> 8;
  }

  /** A 24-bit number, little end first; room must have been reserved. */
  uint24Little(value: number): void {
    this.uint16Little(value & 0xffff);
    this.#slab[this.#at++] = (value >> 16) & 0xff;
  }

  /** A whole number in decimal digits, as many as `digitsOf` says; room must have been reserved. */
  decimal(value: number, digits: number): void {
    let rest = value;
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const next = Math.floor(rest / 10);
      this.#slab[at] = digits0 + (rest - next * 10);
      rest = next;
    }
    this.#at += digits;
  }

  /** Any bytes: copied when few, else referred to. They must not change until written. */
  bytes(bytes: Uint8Array): void {
    if (bytes.length < copyLimitBytes) {
      this.reserve(bytes.length);
      this.#slab.set(bytes, this.#at);
      this.#at += bytes.length;
      return;
    }
    this.#cut();
    this.#chunks.push(asBuffer(bytes));
  }

  /** What was put in since the last call, in order. */
  take(): Buffer[] {
    this.#cut();
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  /** What was taken has been written: its place in the slab is free again, unless somebody holds an earlier part. */
  recycle(): void {
    this.#at = this.#held;
    this.#start = this.#held;
  }

  /** What was taken is still needed: its place is never used again. */
  hold(): void {
    this.#held = this.#at;
  }

  #cut(): void {
    if (this.#at > this.#start) this.#chunks.push(this.#slab.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }
}

/** How many decimal digits a whole number has. */
export function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
