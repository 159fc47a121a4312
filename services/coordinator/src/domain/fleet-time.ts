import { GuildhallError } from "@guildhall/errors";
import type { Clock } from "./time.ts";

/*
 * The fleet's time: what processes slew their clocks to, and new ones begin at. It never goes back, whoever tells it: all
 * that is told lies below a mark in the store, and whoever takes the store over goes on from that mark.
 *
 * Hosts refuse what was made over 2 minutes ago by their own clock. So what matters is not the right time but one time:
 * those who ran on while no coordinator did, and those who start now, must show about the same. A coordinator that starts
 * cannot tell whether much time has passed or its machine's clock was set. Those who ran meanwhile can, and hosts speak
 * within a second or two:
 *
 *   asking ──every host has spoken, or `askMs` passed──▶ known
 *
 * While it asks, processes that have no time of their own get none (they ask again); the others go on by theirs. It ends
 *
 *   somebody shows a time       with that, the fleet's time: a clock that was set is believed by nobody at once
 *   everybody is new            with the wall, if it is ahead: the fleet was off, nobody has another time to differ from
 *
 * and without a mark or hosts it is known from the beginning. Later, too, a process that is far ahead is followed at once:
 * it cannot go back, and others step forward; it is the coordinator that stood still. Otherwise time passes evenly, and
 * towards the wall so slowly that all can follow: back at less than half of the 5 % at which clocks are slewed, so that one
 * that was cut off catches up. Within the lease of a worker id (10 min without a coordinator) clocks part by 30 s at most.
 */

/** How far ahead of what is told the mark is kept; after a restart time stands for as long at most. */
export const markAheadMs = 3_000;
/** How far the wall may be from the mark to be taken for right at once, and a process ahead of the fleet to be let be. */
export const toleratedMs = 20_000;
/** How long the hosts are asked: they look for a coordinator at least every 2 s, and renew each second. */
export const askMs = 4_000;

const forwardRate = 0.05;
const backwardRate = 0.02;

/** `keptUntilMs`: the mark that was found, 0 = none. `hosts`: those that may run. `keep` is given the next mark. */
export interface FleetTimeParts {
  readonly clock: Clock;
  readonly keptUntilMs: number;
  readonly hosts: Iterable<string>;
  readonly keep: (untilMs: number) => void;
}

/** The time of a fleet, as its coordinator has it. */
export interface FleetTime {
  /** For the coordinator's own use; never goes back. */
  readonly clock: Clock;
  /** A process spoke, and showed this time (Unix ms) if it had followed the fleet's before. */
  hear(process: string, itsMs: number | undefined): void;
  /** Throws GuildhallError UNAVAILABLE while nothing can be told to a process that has no time yet. */
  checkKnown(): void;
  /** Keeps a further mark when time has come up to the last one. Time may be told once that is saved. */
  reserve(): void;
  /** Something is being saved: the mark can go along. */
  extend(): void;
  /** A mark is durable. */
  saved(untilMs: number): void;
  /** What may be told (Unix ms); 0 = nothing yet. */
  toldMs(): number;
  /** How far it is ahead of the machine's clock (ms). */
  aheadMs(): number;
}

/** Makes the time of a fleet at the start of its coordinator. */
export function makeFleetTime(parts: FleetTimeParts): FleetTime {
  return new MarkedTime(parts);
}

class MarkedTime implements FleetTime {
  readonly clock: Clock;
  readonly #wall: Clock;
  readonly #keep: (untilMs: number) => void;
  /** Nothing below is shown: it may have been told. */
  readonly #floorMs: number;
  readonly #unheard: Set<string>;
  readonly #askUntilMs: number;
  #isAsking: boolean;
  #hasEcho = false;
  /** Time was `line` at `since` (monotonic). */
  #lineMs: number;
  #sinceMs: number;
  #keptMs: number;
  #savedMs: number;

  constructor({ clock, keptUntilMs, hosts, keep }: FleetTimeParts) {
    this.#wall = clock;
    this.#keep = keep;
    this.#floorMs = keptUntilMs;
    this.#keptMs = keptUntilMs;
    this.#savedMs = keptUntilMs;
    this.#unheard = new Set(hosts);
    this.#sinceMs = clock.monotonicMs();
    this.#askUntilMs = this.#sinceMs + askMs;
    const wallMs = clock.nowMs();
    // When the mark was kept, the time was `markAheadMs` before it.
    const leastMs = keptUntilMs - markAheadMs;
    const isExpected = wallMs <= keptUntilMs + toleratedMs;
    this.#isAsking = keptUntilMs > 0 && this.#unheard.size > 0;
    this.#lineMs = this.#isAsking && !isExpected ? leastMs : Math.max(wallMs, leastMs);
    this.clock = { nowMs: () => this.#nowMs(), monotonicMs: () => clock.monotonicMs() };
  }

  hear(process: string, itsMs: number | undefined): void {
    this.#unheard.delete(process);
    if (itsMs) {
      this.#hasEcho = true;
      if (itsMs > this.#nowMs() + toleratedMs) this.#lineMs = itsMs;
    }
    this.#decide();
  }

  checkKnown(): void {
    this.#decide();
    if (this.#isAsking) throw new GuildhallError("UNAVAILABLE", "the hosts are being asked what time it is");
  }

  reserve(): void {
    if (this.#nowMs() > this.#keptMs) this.extend();
  }

  extend(): void {
    // Not from what is shown while time stands: restarts that follow one another closely would drive it ahead.
    const untilMs = Math.ceil(this.#line()) + markAheadMs;
    if (untilMs <= this.#keptMs) return;
    this.#keptMs = untilMs;
    this.#keep(untilMs);
  }

  saved(untilMs: number): void {
    this.#savedMs = Math.max(this.#savedMs, untilMs);
  }

  toldMs(): number {
    return Math.min(this.#nowMs(), this.#savedMs);
  }

  aheadMs(): number {
    return this.#nowMs() - this.#wall.nowMs();
  }

  #decide(): void {
    if (!this.#isAsking) return;
    if (this.#unheard.size > 0 && this.#wall.monotonicMs() < this.#askUntilMs) return;
    this.#isAsking = false;
    if (!this.#hasEcho) this.#lineMs = Math.max(this.#line(), this.#wall.nowMs());
  }

  #nowMs(): number {
    return Math.max(this.#floorMs, this.#line());
  }

  /** Lets the time that has passed pass. */
  #line(): number {
    const monotonicMs = this.#wall.monotonicMs();
    const passedMs = Math.max(0, monotonicMs - this.#sinceMs);
    this.#sinceMs += passedMs;
    const behindMs = this.#wall.nowMs() - (this.#lineMs + passedMs);
    this.#lineMs += passedMs + Math.max(-passedMs * backwardRate, Math.min(passedMs * forwardRate, behindMs));
    return this.#lineMs;
  }
}
