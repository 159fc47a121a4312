/** No message on a stream is larger (bytes). */
export const maxMessageBytes = 16 * 1024 * 1024;

/** The largest single request or reply (bytes, estimated): leaves room for what the estimate misses. */
export const maxItemBytes = 15 * 1024 * 1024;

/** Where several items wait, a message of them is cut at this size (bytes, estimated). */
export const batchBytes = 1024 * 1024;

/** Text longer than this is measured exactly; shorter text counts as ASCII. */
const exactFrom = 4_096;
const overheadBytes = 2;

/**
 * About how many bytes a generated message takes on the wire: walking it is far cheaper than encoding it twice.
 * Unset fields count little, numbers count at their usual size.
 */
export function estimateBytes(value: unknown): number {
  switch (typeof value) {
    case "string":
      return overheadBytes + (value.length > exactFrom ? Buffer.byteLength(value) : value.length);
    case "bigint":
      return 9;
    case "number":
      return 5;
    case "boolean":
      return overheadBytes;
    case "object":
      return value === null ? 0 : estimateObject(value);
    default:
      return 0;
  }
}

function estimateObject(value: object): number {
  if (ArrayBuffer.isView(value)) return overheadBytes + value.byteLength;
  let bytes = 4;
  if (Array.isArray(value)) {
    for (const item of value) bytes += estimateBytes(item);
    return bytes;
  }
  for (const key in value) bytes += estimateBytes((value as Record<string, unknown>)[key]);
  return bytes;
}
