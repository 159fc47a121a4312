/**
 * Which things a segment holds already, so that records of the same segment refer to them by number. Not longer than the
 * segment: each must be readable when those before it are gone.
 */
export class Blobs {
  readonly #numbers = new Map<object, number>();

  /** The number of a thing; `isNew` when it is to be put now. */
  numberOf(thing: object): { readonly number: number; readonly isNew: boolean } {
    const known = this.#numbers.get(thing);
    if (known !== undefined) return { number: known, isNew: false };
    const number = this.#numbers.size + 1;
    this.#numbers.set(thing, number);
    return { number, isNew: true };
  }

  /** A new segment has begun. */
  clear(): void {
    this.#numbers.clear();
  }
}
