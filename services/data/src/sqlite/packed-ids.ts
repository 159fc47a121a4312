const idBytes = 8;

/** Ids as one blob, eight bytes each. */
export function packIds(ids: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * idBytes);
  const view = new DataView(bytes.buffer);
  ids.forEach((id, index) => {
    view.setBigUint64(index * idBytes, id);
  });
  return bytes;
}

/** The ids of such a blob. */
export function unpackIds(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / idBytes }, (_, index) => view.getBigUint64(index * idBytes));
}
