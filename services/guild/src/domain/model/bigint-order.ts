/** The higher of two 64-bit numbers (Math.max takes none). */
export function higher(a: bigint, b: bigint): bigint {
  if (a >= b) return a;
  return b;
}

/** The lower of two 64-bit numbers. */
export function lower(a: bigint, b: bigint): bigint {
  if (a <= b) return a;
  return b;
}

/** Orders 64-bit numbers ascending. */
export function ascending(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
