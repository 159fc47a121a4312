import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** A generated message's own encoding. */
export interface Encodable<M> {
  encode(message: M, writer?: BinaryWriter): BinaryWriter;
}

// A writer that has grown beyond this is not kept.
const keptBytes = 256 * 1024;

let spare: BinaryWriter | undefined;

/**
 * A message's bytes. By one writer for all messages of the process: one that begins small grows and copies several times
 * for each. Throws when a field does not fit its type.
 */
export function encodeMessage<M>(type: Encodable<M>, message: M): Buffer {
  const writer = spare ?? new BinaryWriter();
  // What throws leaves a writer that is not empty.
  spare = undefined;
  const { buffer, byteOffset, byteLength } = type.encode(message, writer).finish();
  if (byteLength <= keptBytes) spare = writer;
  return Buffer.from(buffer, byteOffset, byteLength);
}
