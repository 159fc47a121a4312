import { crc32 } from "node:zlib";

const magic = Buffer.from("GHSL");
const version = 1;
const tagBytes = 8;

/** Length of what a segment file begins with. */
export const headerBytes = 30;
/** Length of what a block begins with: its payload's length and CRC. */
export const blockHeadBytes = 8;
/** No turn writes as much as this; a length beyond is damage. */
export const maxBlockBytes = 1 << 30;

/** What a segment says of itself. */
export interface SegmentHeader {
  readonly tag: string;
  readonly number: number;
  /** Unix time in milliseconds. */
  readonly atMs: number;
}

/** The first bytes of a segment. */
export function encodeHeader({ tag, number, atMs }: SegmentHeader): Uint8Array {
  const bytes = Buffer.alloc(headerBytes);
  magic.copy(bytes);
  bytes.writeUInt16LE(version, 4);
  bytes.write(tag, 6, tagBytes, "latin1");
  bytes.writeUInt32LE(number, 14);
  bytes.writeDoubleLE(atMs, 18);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 26)), 26);
  return bytes;
}

/** Reads a header of `headerBytes`; else says what is wrong with it. */
export function decodeHeader(bytes: Buffer): SegmentHeader | string {
  if (!bytes.subarray(0, 4).equals(magic)) return "it is no session log";
  const found = bytes.readUInt16LE(4);
  if (found !== version) return `its format is version ${found}, not ${version}`;
  if (crc32(bytes.subarray(0, 26)) !== bytes.readUInt32LE(26)) return "the CRC of its header is wrong";
  return { tag: bytes.toString("latin1", 6, 14), number: bytes.readUInt32LE(14), atMs: bytes.readDoubleLE(18) };
}

/** The CRC of a block's payload. */
export function blockCrc(payload: Uint8Array): number {
  return crc32(payload);
}

/** The next block of `bytes`: its payload, or that there is less than a whole one, or what is wrong. */
export function nextBlock(bytes: Buffer): { readonly payload: Buffer } | "more" | { readonly damage: string } {
  if (bytes.length < blockHeadBytes) return "more";
  const length = bytes.readUInt32LE(0);
  if (length === 0 || length > maxBlockBytes) return { damage: `a block of ${length} bytes` };
  if (bytes.length < blockHeadBytes + length) return "more";
  const payload = bytes.subarray(blockHeadBytes, blockHeadBytes + length);
  if (crc32(payload) !== bytes.readUInt32LE(4)) return { damage: "the CRC of a block is wrong" };
  return { payload };
}
