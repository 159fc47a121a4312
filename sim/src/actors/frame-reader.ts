/** Takes WebSocket frames apart that a server sends: whole, unmasked, of text. */
export interface FrameReader {
  take(chunk: Uint8Array): void;
}

const textOpcode = 0x1;

/** Makes a reader; `onText` gets the payload of each frame. */
export function makeFrameReader(onText: (text: string) => void): FrameReader {
  let held: Buffer = Buffer.alloc(0);
  return {
    take(chunk) {
      // The bytes are the writer's, and are written over.
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
      for (;;) {
        const frame = readFrame(held);
        if (frame === undefined) return;
        held = held.subarray(frame.end);
        if (frame.opcode === textOpcode) onText(frame.payload.toString());
      }
    },
  };
}

function readFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly end: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const head = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < head) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = head + length;
  if (bytes.length < end) return undefined;
  return { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(head, end), end };
}
