/**
 * Deadlines of many things, looked at a few at a time. Things are put into the slot of their deadline; when a slot comes
 * round each of them says when its deadline is now, so that moving one (at every heartbeat) costs nothing.
 */
export class DeadlineWheel<T> {
  readonly #slotMs: number;
  readonly #slots: T[][];
  #tick: number;

  constructor(slotMs: number, slots: number, nowMs: number) {
    this.#slotMs = slotMs;
    this.#slots = Array.from({ length: slots }, () => []);
    this.#tick = Math.floor(nowMs / slotMs);
  }

  /** Puts something in for a deadline; one that lies beyond the wheel is looked at early. */
  add(thing: T, deadlineMs: number): void {
    const ahead = Math.ceil(deadlineMs / this.#slotMs) - this.#tick;
    this.#slot(this.#tick + Math.min(Math.max(ahead, 1), this.#slots.length - 1)).push(thing);
  }

  /** Looks at all whose slot has come. `check` returns the deadline in force, or undefined to take the thing out. */
  turn(nowMs: number, check: (thing: T) => number | undefined): void {
    const now = Math.floor(nowMs / this.#slotMs);
    while (this.#tick < now) {
      this.#tick++;
      for (const thing of this.#slot(this.#tick).splice(0)) {
        const deadlineMs = check(thing);
        if (deadlineMs !== undefined) this.add(thing, deadlineMs);
      }
    }
  }

  #slot(tick: number): T[] {
    return this.#slots[tick % this.#slots.length] as T[];
  }
}
