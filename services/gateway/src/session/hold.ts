import type { Body } from "../domain/body.ts";
import type { Link } from "../domain/session.ts";
import type { Connection } from "../transport/connection.ts";

/** Keeps a session's first dispatches back until READY has been sent. */
export class Hold implements Link {
  readonly connection: Connection;
  readonly isCongested = false;
  #held: { readonly s: number; readonly body: Body }[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  send(s: number, body: Body): void {
    this.#held.push({ s, body });
  }

  grant(bytes: number): void {
    this.connection.grant(bytes);
  }

  /** Sends what was kept, in order. */
  release(): void {
    for (const { s, body } of this.#held) this.connection.send(s, body);
    this.#held = [];
  }
}
