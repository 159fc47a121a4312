import type { SimProcess } from "../engine/sim-process.ts";
import type { Network } from "./network.ts";

/** One end of a stream, as its ways see it. */
export interface End {
  readonly process: SimProcess;
  isClosed: boolean;
  receive(messages: readonly unknown[]): void;
  closed(): void;
}

interface Parcel {
  readonly sentMs: number;
  readonly messages: unknown[];
  /** The sender's end: nothing follows. */
  isEnd: boolean;
}

const leastApartMs = 1e-4;

/** One direction of a stream. */
export class Way {
  readonly #network: Network;
  readonly #from: End;
  readonly #to: End;
  readonly #isReply: boolean;
  readonly #over: () => void;
  #parcels: Parcel[] = [];
  #scheduled = 0;
  #lastArrivalMs = 0;
  #isEnded = false;

  constructor(
    network: Network,
    from: End,
    to: End,
    { isReply, over }: { readonly isReply: boolean; readonly over: () => void },
  ) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#isReply = isReply;
    this.#over = over;
  }

  /** What has been sent and has not arrived. */
  get underWay(): readonly unknown[] {
    return this.#parcels.flatMap(({ messages }) => messages);
  }

  /** The server's headers. */
  hello(opened: () => void): void {
    this.#network.engine.at(this.#arrivalMs(), () => {
      this.#to.process.enter(() => {
        if (!this.#to.isClosed) opened();
      });
    });
  }

  send(message: unknown): void {
    if (this.#from.isClosed || this.#isEnded || !this.#from.process.acts()) return;
    const [from, to] = [this.#from.process.name, this.#to.process.name];
    this.#network.sent({ from, to, isReply: this.#isReply, message });
    const last = this.#parcels.at(-1);
    const { nowMs } = this.#network.engine;
    // All that is sent in one turn travels together.
    if (last !== undefined && last.sentMs === nowMs && !last.isEnd) last.messages.push(message);
    else this.#put({ sentMs: nowMs, messages: [message], isEnd: false });
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#put({ sentMs: this.#network.engine.nowMs, messages: [], isEnd: true });
  }

  /** After a block: what has waited goes on. */
  flow(): void {
    if (this.#isBlocked()) return;
    while (this.#scheduled < this.#parcels.length) this.#schedule();
  }

  /** Nothing more arrives: the sender's machine is gone, with all that it still held. */
  vanish(): void {
    this.#isEnded = true;
    this.#parcels = [];
  }

  #put(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.#schedule();
  }

  #isBlocked(): boolean {
    return this.#network.isBlocked(this.#from.process.name, this.#to.process.name);
  }

  #arrivalMs(): number {
    const { nowMs } = this.#network.engine;
    const arrivalMs = nowMs + this.#network.latencyMs(this.#from.process.name, this.#to.process.name);
    // Never two at one moment, where the seed would order them.
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs + leastApartMs, arrivalMs);
    return this.#lastArrivalMs;
  }

  #schedule(): void {
    this.#scheduled++;
    this.#network.engine.at(this.#arrivalMs(), () => this.#deliver());
  }

  /** Hands over the oldest parcel. */
  #deliver(): void {
    this.#scheduled--;
    if (this.#isBlocked()) return;
    const parcel = this.#parcels.shift();
    if (parcel === undefined) return;
    this.#to.process.enter(() => {
      if (this.#to.isClosed) return;
      this.#to.receive(parcel.messages);
      if (!parcel.isEnd || this.#to.isClosed) return;
      this.#to.isClosed = true;
      this.#over();
      this.#to.closed();
    });
    this.flow();
  }
}
