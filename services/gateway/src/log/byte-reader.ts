import { GuildhallError } from "@guildhall/errors";

/** Takes apart what a `ByteWriter` put together. Throws when there is not as much as there should be. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#take(1)[0] as number;
  }

  u32(): number {
    return this.#take(4).readUInt32LE();
  }

  f64(): number {
    return this.#take(8).readDoubleLE();
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > Number.MAX_SAFE_INTEGER) throw unreadable("a number is too long");
    }
  }

  u64(): bigint {
    return this.#take(8).readBigUInt64LE();
  }

  ids(): bigint[] {
    return this.list(() => this.u64());
  }

  list<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let left = this.varint(); left > 0; left--) items.push(read());
    return items;
  }

  /** A view of the bytes, no copy. */
  bytes(): Buffer {
    return this.#take(this.varint());
  }

  raw(length: number): Buffer {
    return this.#take(length);
  }

  latin1(): string {
    return this.bytes().toString("latin1");
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw unreadable("it ends too early");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** A record is not what this version writes. */
export function unreadable(why: string): GuildhallError {
  return new GuildhallError("STATE_VERSION", `a record of a session log cannot be read: ${why}`);
}
