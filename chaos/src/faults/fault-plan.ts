import { makeRandom, type Random } from "../random.ts";

/** What is done to a fleet. */
export const faultKinds = ["kill", "pause", "drain", "doubling", "move", "partition", "stall"] as const;

/** One of `faultKinds`. */
export type FaultKind = (typeof faultKinds)[number];

/** One thing to be done to the fleet, and how long it lasts where that can be said. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** A part ("guild", "gateway", ...), or for partitions two of them with ">" from who asks to who answers. */
  readonly target: string;
  /** How long it lasts; 0 = it is over by itself. */
  readonly forMs: number;
  /** The pause before it. */
  readonly afterMs: number;
  /** Seed of the choices that are made when it happens. */
  readonly seed: number;
}

/** How often each kind is done at the least, whatever the seed. */
const leastOfKind: Readonly<Record<FaultKind, number>> = {
  kill: 3,
  pause: 3,
  drain: 3,
  doubling: 2,
  move: 3,
  partition: 3,
  stall: 3,
};

const killed = ["guild", "gateway", "api", "router", "user", "data", "coordinator"];
const paused = ["guild", "gateway", "coordinator", "router"];
const drained = ["gateway", "guild"];
const parted = ["guild>data", "guild>coordinator", "*>guild", "gateway>router", "api>router", "*>gateway"];

// What a fault may last: a host's lease lapses within 5 s, so both sides of that are tried.
const pauseMs = [1_500, 9_000] as const;
const partitionMs = [1_500, 8_000] as const;
const stallMs = [500, 4_000] as const;
const gapMs = [1_500, 4_000] as const;

/**
 * The faults of a seed, `count` of them: first every kind as often as `leastOfKind` says, in an order that the seed gives.
 * Doublings are two at most: the number of shards only grows.
 */
export function planFaults(seed: number, count: number): PlannedFault[] {
  const random = makeRandom(seed);
  // Every kind once, then as often as is due, then whatever comes: a run that ends early has still done each.
  const more = faultKinds.flatMap((kind) => Array<FaultKind>(leastOfKind[kind] - 1).fill(kind));
  const kinds = [...random.shuffled(faultKinds), ...random.shuffled(more)].slice(0, count);
  const again = faultKinds.filter((kind) => kind !== "doubling");
  while (kinds.length < count) kinds.push(random.pick(again));
  const turns = new Map<FaultKind, number>();
  return kinds.map((kind) => {
    const turn = turns.get(kind) ?? random.between(0, 6);
    turns.set(kind, turn + 1);
    return planned(kind, turn, random);
  });
}

function planned(kind: FaultKind, turn: number, random: Random): PlannedFault {
  const common = { kind, afterMs: random.between(...gapMs), seed: random.between(1, 2 ** 31) };
  // In turns, so that few faults still reach every part.
  const inTurn = (list: readonly string[]): string => list[turn % list.length] as string;
  switch (kind) {
    case "kill":
      return { ...common, target: inTurn(killed), forMs: 0 };
    case "pause":
      return { ...common, target: inTurn(paused), forMs: random.between(...pauseMs) };
    case "drain":
      return { ...common, target: inTurn(drained), forMs: 0 };
    case "partition":
      return { ...common, target: inTurn(parted), forMs: random.between(...partitionMs) };
    case "stall":
      return { ...common, target: "store", forMs: random.between(...stallMs) };
    case "doubling":
    case "move":
      return { ...common, target: "guild", forMs: 0 };
    default:
      return kind satisfies never;
  }
}
