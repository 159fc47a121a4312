import { constants, createZstdCompress } from "node:zlib";
import type { Body } from "../domain/body.ts";
import { dispatchPrefix } from "./codec.ts";

// Small tables: a context at the default level takes over a megabyte.
const options = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 },
};

/** A connection's own zstd stream. Payloads come out in the order they went in, each by itself. */
export interface ZstdContext extends Disposable {
  write(payload: Uint8Array): void;
  /** Bytes that went in and have not come out. */
  readonly heldBytes: number;
}

/** Makes a context; `onPayload` is called once for each payload written, later, with what to send. */
export function makeZstdContext(onPayload: (compressed: Buffer) => void, onError: (error: Error) => void): ZstdContext {
  const stream = createZstdCompress(options);
  const waiting: Uint8Array[] = [];
  let heldBytes = 0;
  let isBusy = false;
  let chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", onError);

  const next = (): void => {
    const payload = waiting.shift();
    if (payload === undefined) {
      isBusy = false;
      return;
    }
    isBusy = true;
    stream.write(payload, () => {
      stream.flush(constants.ZSTD_e_flush, () => {
        const compressed = Buffer.concat(chunks);
        chunks = [];
        heldBytes -= payload.length;
        onPayload(compressed);
        next();
      });
    });
  };

  return {
    write(payload) {
      heldBytes += payload.length;
      waiting.push(payload);
      if (!isBusy) next();
    },
    get heldBytes() {
      return heldBytes;
    },
    [Symbol.dispose]() {
      waiting.length = 0;
      stream.destroy();
    },
  };
}

/** A whole dispatch payload in one piece. */
export function wholeDispatch(s: number, body: Body): Buffer {
  return Buffer.concat([dispatchPrefix, Buffer.from(`${s},`), ...body.segments.map(({ bytes }) => bytes)]);
}
