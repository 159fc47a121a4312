import type { Clock, Timers } from "@guildhall/lifecycle";
import type { Profiles } from "../domain/profile.ts";
import type { SessionStore } from "../store/session-store.ts";
import { Ghost } from "./ghost.ts";
import type { Damage } from "./log-reader.ts";

/** What ghosts use. */
export interface GhostsPorts {
  readonly store: SessionStore;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly profiles: Profiles;
  /** How long a session without a client may be resumed. */
  readonly windowMs: number;
  readonly onDamage: (damage: Damage) => void;
}

// Each may hold as much as `maxBytes`; the one that was not asked for longest makes room for another.
const maxGhosts = 8;
const maxBytes = 64 * 1024 * 1024;
// As in the log that they are made from.
const slackMs = 30_000;

/** The ghosts of other gateways, each made once and kept while sessions may still come from there. */
export class Ghosts {
  readonly #ports: GhostsPorts;
  /** In order of use. */
  readonly #ghosts = new Map<string, { readonly ghost: Ghost; readonly usedMs: number }>();

  constructor(ports: GhostsPorts) {
    this.#ports = ports;
  }

  get count(): number {
    return this.#ghosts.size;
  }

  /** Bytes of dispatches that they hold. */
  get bytes(): number {
    let bytes = 0;
    for (const { ghost } of this.#ghosts.values()) bytes += ghost.replay.log.bytes;
    return bytes;
  }

  has(tag: string): boolean {
    return this.#ghosts.has(tag);
  }

  /** The ghost of a gateway, which may have read nothing yet. `isNew`: made anew, from the log's beginning. */
  get(tag: string, isNew = false): Ghost {
    const known = isNew ? undefined : this.#ghosts.get(tag)?.ghost;
    const ghost = known ?? this.#make(tag);
    this.#ghosts.delete(tag);
    this.#ghosts.set(tag, { ghost, usedMs: this.#ports.clock.monotonicMs() });
    for (const oldest of this.#ghosts.keys()) {
      if (this.#ghosts.size <= maxGhosts) break;
      this.#ghosts.delete(oldest);
    }
    return ghost;
  }

  /** Lets go of those that nobody has asked for during a resume window. */
  expire(): void {
    const oldestMs = this.#ports.clock.monotonicMs() - this.#ports.windowMs;
    for (const [tag, { usedMs }] of this.#ghosts) if (usedMs < oldestMs) this.#ghosts.delete(tag);
  }

  #make(tag: string): Ghost {
    const { windowMs, ...ports } = this.#ports;
    return new Ghost({ ...ports, tag, limits: { windowMs: windowMs + slackMs, maxBytes } });
  }
}
