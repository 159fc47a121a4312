/** A piece of a frame. What many frames have in common is compressed once, and the result kept beside it. */
export class Segment {
  readonly bytes: Uint8Array;
  /** Whether the bytes are worth compressing by themselves; pieces of one frame only are not. */
  readonly isShared: boolean;
  /** The compressed form; the codec makes it when the first frame needs it. */
  deflated: Uint8Array | undefined = undefined;

  constructor(bytes: Uint8Array, isShared: boolean) {
    this.bytes = bytes;
    this.isShared = isShared;
  }
}

/** All of a dispatch but `{"op":0,"s":N,`: from `"t":` to the last brace. The same for every session that gets it. */
export class Body {
  readonly segments: readonly Segment[];
  /** Bytes of all segments, uncompressed. */
  readonly length: number;
  /** Records of logs that have it: its bytes count once however many there are. */
  holds = 0;

  constructor(segments: readonly Segment[]) {
    this.segments = segments;
    this.length = segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}
