import type { Codec } from "./codec.ts";
import type { Deflater } from "./deflate.ts";
import { jsonCodec } from "./json.ts";
import { ZlibStreamCodec } from "./zlib-stream.ts";
import { ZstdRawCodec } from "./zstd-raw.ts";

/** How payloads of a connection are encoded, for as long as it lasts. */
export interface Encoding {
  readonly codec: Codec;
  readonly usesContext: boolean;
}

/** What the choice depends on. */
export interface EncodingChoice {
  readonly compress: string | null;
  readonly deflater: Deflater;
  /** Whether another connection may have a zstd context of its own. */
  readonly hasContextLeft: boolean;
}

/** The encoding for a `compress` parameter; undefined when it names none. */
export function chooseEncoding({ compress, deflater, hasContextLeft }: EncodingChoice): Encoding | undefined {
  switch (compress) {
    case null:
    case "":
      return { codec: jsonCodec, usesContext: false };
    case "zlib-stream":
      return { codec: new ZlibStreamCodec(deflater), usesContext: false };
    case "zstd-stream":
      return hasContextLeft
        ? { codec: jsonCodec, usesContext: true }
        : { codec: new ZstdRawCodec(), usesContext: false };
    default:
      return undefined;
  }
}
