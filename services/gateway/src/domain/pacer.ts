/** What a pacer uses. */
export interface PacerPorts {
  /** Units of work that a turn of the event loop may do, and how long they may take it. */
  readonly unitsPerTurn: number;
  readonly msPerTurn: number;
  nowMs(): number;
  /** Runs something in the next turn. */
  soon(act: () => void): void;
}

/** Spreads work that can wait over turns of the event loop, so that what cannot is not held up. First come, first served. */
export class Pacer {
  readonly #ports: PacerPorts;
  #waiting: (() => void)[] = [];
  #left = 0;
  #endMs = 0;
  #hasTurn = false;

  constructor(ports: PacerPorts) {
    this.#ports = ports;
  }

  /** Does a piece of work, now or in a turn to come; the work says by `spend` how much it was. */
  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const act = (): void => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      this.#begin();
      if (this.#waiting.length === 0 && this.#hasRoom()) act();
      else this.#waiting.push(act);
    });
  }

  /** So much has been done. */
  spend(units: number): void {
    this.#left -= units;
  }

  #hasRoom(): boolean {
    return this.#left > 0 && this.#ports.nowMs() < this.#endMs;
  }

  /** A turn of the event loop begins with its first piece of work. */
  #begin(): void {
    if (this.#hasTurn) return;
    this.#hasTurn = true;
    this.#left = this.#ports.unitsPerTurn;
    this.#endMs = this.#ports.nowMs() + this.#ports.msPerTurn;
    this.#ports.soon(() => {
      this.#hasTurn = false;
      if (this.#waiting.length > 0) this.#next();
    });
  }

  #next(): void {
    this.#begin();
    const waiting = this.#waiting;
    this.#waiting = [];
    let done = 0;
    // At least one, however long it takes.
    do waiting[done++]?.();
    while (done < waiting.length && this.#hasRoom());
    this.#waiting = [...waiting.slice(done), ...this.#waiting];
  }
}
