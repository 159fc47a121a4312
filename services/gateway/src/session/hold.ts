import type { Body } from "../domain/body.ts";
import type { Link } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";

// What a person's guilds may dispatch while the rest of them is awaited; more means that something is wrong.
const maxHeld = 16_384;

/** Keeps a session's first dispatches back until READY has been sent. */
export class Hold implements Link {
  readonly connection: Connection;
  readonly isCongested = false;
  #isFull = false;
  #held: { readonly s: number; readonly body: Body }[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  send(s: number, body: Body): void {
    if (this.#held.length < maxHeld) this.#held.push({ s, body });
    else this.#isFull = true;
  }

  grant(bytes: number): void {
    this.connection.grant(bytes);
  }

  /** Sends what was kept, in order; false when it was too much to keep all. */
  release(): boolean {
    for (const { s, body } of this.#held) this.connection.send(s, body);
    this.#held = [];
    return !this.#isFull;
  }
}
