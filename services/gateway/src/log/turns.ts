/** Goes through a changing collection again and again, a few items at a time, so that each comes up once in `periodMs`. */
export class Turns<T> {
  readonly #all: () => Iterable<T>;
  readonly #count: () => number;
  #iterator: Iterator<T> | undefined;
  /** Items that are due; grows evenly with time. */
  #due = 0;

  constructor(all: () => Iterable<T>, count: () => number) {
    this.#all = all;
    this.#count = count;
  }

  /** Begins from the first item. */
  restart(): void {
    this.#iterator = undefined;
  }

  /** The items whose turn has come after another `passedMs`; none twice. */
  *next(passedMs: number, periodMs: number): Generator<T> {
    this.#due = Math.min(this.#due + (this.#count() * passedMs) / periodMs, this.#count());
    for (let rounds = 0; this.#due >= 1; ) {
      this.#iterator ??= this.#all()[Symbol.iterator]();
      const { value, done } = this.#iterator.next();
      if (!done) {
        this.#due--;
        yield value;
      } else if (++rounds > 1) {
        // There are fewer than were counted.
        this.#due = 0;
      } else this.#iterator = undefined;
    }
  }
}
