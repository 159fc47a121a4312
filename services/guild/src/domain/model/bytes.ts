/** No bytes. */
export const noBytes: Buffer = Buffer.alloc(0);

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "utf8");
}
