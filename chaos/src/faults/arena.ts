import type { ControlClient } from "@guildhall/cli/control";
import type { Fleet } from "@guildhall/dev";
import type { Random } from "../random.ts";
import type { Relays } from "../relay.ts";

/** What faults act on. */
export interface Arena {
  readonly fleet: Fleet;
  readonly relays: Relays;
  readonly control: ControlClient;
  /** The names of the processes of a part that ought to run now. */
  namesOf(part: string): string[];
  random(seed: number): Random;
}

/** A fault that was done: what is to be told of it, and when it is over. */
export interface Done {
  /** What was done to what, e.g. "guild-1" or "1/4 from guild-1 to guild-0 in 7 ms". */
  readonly what: string;
  /** Resolves when the fault itself is over; the fleet may still be mending. */
  readonly over: Promise<void>;
}

/** Lets that many milliseconds pass. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
