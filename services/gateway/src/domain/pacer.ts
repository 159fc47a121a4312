/** What a pacer uses. */
export interface PacerPorts {
  /** Units of work that a turn of the event loop may do. */
  readonly perTurn: number;
  /** Runs something in the next turn. */
  soon(act: () => void): void;
}

/** Spreads work that can wait over turns of the event loop, so that what cannot is not held up. First come, first served. */
export class Pacer {
  readonly #ports: PacerPorts;
  readonly #waiting: (() => void)[] = [];
  #left: number;
  #isTurnPlanned = false;

  constructor(ports: PacerPorts) {
    this.#ports = ports;
    this.#left = ports.perTurn;
  }

  /** Resolves when there is time for the next piece of work; `spend` says afterwards how much it was. */
  async turn(): Promise<void> {
    if (this.#left > 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#plan();
    });
  }

  /** So much has been done. */
  spend(units: number): void {
    this.#left -= units;
    this.#plan();
  }

  #plan(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#ports.soon(() => {
      this.#isTurnPlanned = false;
      this.#left = this.#ports.perTurn;
      this.#wake();
    });
  }

  /** Wakes one at a time: each spends before the next is let in. */
  #wake(): void {
    const next = this.#left > 0 ? this.#waiting.shift() : undefined;
    if (next !== undefined) {
      next();
      void Promise.resolve().then(() => this.#wake());
    } else if (this.#waiting.length > 0) this.#plan();
  }
}
