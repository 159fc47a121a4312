// Small against what a process holds, large against what is put on it.
const slabBytes = 64 * 1024;
const alone = slabBytes / 8;

let slab = new Uint8Array(0);
let at = 0;

/**
 * A copy of pieces, joined, for what is kept for minutes. Copies lie side by side in slabs of their own: in Node's shared
 * pool each would hold on to the short-lived bytes around it, ten times its size.
 */
export function keepTogether(pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const kept = room(length);
  let next = 0;
  for (const piece of pieces) {
    kept.set(piece, next);
    next += piece.length;
  }
  return kept;
}

function room(length: number): Uint8Array {
  if (length > alone) return new Uint8Array(length);
  if (at + length > slab.length) {
    slab = new Uint8Array(slabBytes);
    at = 0;
  }
  at += length;
  return slab.subarray(at - length, at);
}
