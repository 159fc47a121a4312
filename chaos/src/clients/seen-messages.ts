/** The messages of a channel that a client was shown, in order; as numbers only, since there are very many. */
export class SeenMessages {
  #ids = new BigUint64Array(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(id: bigint): void {
    if (this.#length === this.#ids.length) {
      const larger = new BigUint64Array(this.#length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.#length++] = id;
  }

  ids(): BigUint64Array {
    return this.#ids.subarray(0, this.#length);
  }
}
