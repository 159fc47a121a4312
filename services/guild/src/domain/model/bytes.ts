/** No bytes. */
export const noBytes: Buffer = Buffer.alloc(0);

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** An encoded message's bytes, without copying them. */
export function encodedBytes({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
