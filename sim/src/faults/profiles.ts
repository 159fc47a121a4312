import type { Random } from "../engine/random.ts";
import type { Fault, PlannedFault } from "./fault.ts";

/** What a plan is about. */
export const profileNames = [
  "calm",
  "moves",
  "doubling",
  "crashes",
  "partitions",
  "divides",
  "pauses",
  "slow-journal",
  "clocks",
  "bus-loss",
  "sessions",
  "traps",
  "long",
  "everything",
] as const;

/** One of them. */
export type ProfileName = (typeof profileNames)[number];

/** The processes of a run, by kind. */
export interface Cast {
  readonly hosts: readonly string[];
  readonly routers: readonly string[];
  readonly apis: readonly string[];
  readonly coordinators: readonly string[];
  readonly gateways: readonly string[];
  readonly listeners: readonly string[];
  readonly others: readonly string[];
}

type Maker = (random: Random, cast: Cast) => Fault;

const hourMs = 3_600_000;

const crash =
  (kinds: readonly (keyof Cast)[]): Maker =>
  (random, cast) => ({
    kind: "crash",
    name: pickOf(random, cast, kinds),
    silently: random.chance(0.15),
    effects: random.chance(0.4) ? random.int(12) : undefined,
    forMs: random.chance(0.5) ? random.between(100, 1_500) : random.between(1_500, 12_000),
  });
const pause =
  (kinds: readonly (keyof Cast)[]): Maker =>
  (random, cast) => ({
    kind: "pause",
    name: pickOf(random, cast, kinds),
    how: random.chance(0.5) ? "frozen" : "stopped",
    forMs: random.chance(0.4) ? random.between(50, 1_000) : random.between(1_000, 15_000),
  });
const block: Maker = (random, cast) => {
  const [a, b] = pairOf(random, cast);
  const isAll = random.chance(0.25);
  const forMs = random.chance(0.4) ? random.between(100, 2_000) : random.between(2_000, 16_000);
  return random.chance(0.5)
    ? { kind: "block", from: a, to: isAll ? "*" : b, forMs }
    : { kind: "block", from: isAll ? "*" : b, to: a, forMs };
};
/** A host, mostly with a router, that the coordinator and the other hosts cannot reach, and cannot tell of what they do. */
const divide: Maker = (random, { hosts, routers, coordinators }) => {
  const host = random.pick(hosts);
  const beside = routers.length > 1 && random.chance(0.8) ? [random.pick(routers)] : [];
  const there = [...coordinators, ...hosts.filter((name) => name !== host)];
  return { kind: "divide", here: [host, ...beside], there, forMs: random.between(4_000, 16_000) };
};
/** What a host sends to the journal arrives late, when others may have written; or its answers do. */
const holdAppends: Maker = (random, { hosts }) => {
  const host = random.pick(hosts);
  const forMs = random.between(500, 12_000);
  return random.chance(0.7)
    ? { kind: "block", from: host, to: "data-0", forMs }
    : { kind: "block", from: "data-0", to: host, forMs };
};
const reset: Maker = (random, cast) => {
  const [a, b] = pairOf(random, cast);
  return { kind: "reset", a, b };
};
const slow: Maker = (random, cast) => {
  const [from, to] = pairOf(random, cast);
  return { kind: "slow", from, to, addedMs: random.between(5, 1_500), forMs: random.between(500, 8_000) };
};
const slowJournal: Maker = (random) => ({
  kind: "journal",
  commitMs: random.chance(0.5) ? random.between(10, 100) : random.between(100, 2_000),
  failChance: random.chance(0.5) ? random.between(0, 1) : 0,
  unknownChance: random.chance(0.5) ? random.between(0, 0.6) : 0,
  readsFail: random.chance(0.2),
  forMs: random.between(500, 9_000),
});
const slowStore: Maker = (random) => ({
  kind: "store",
  storeMs: random.between(5, 3_000),
  fails: random.chance(0.4),
  directoryFails: random.chance(0.3),
  forMs: random.between(500, 12_000),
});
const busLoss: Maker = (random) => ({
  kind: "bus",
  loss: random.chance(0.3) ? 1 : random.between(0.05, 0.8),
  forMs: random.between(300, 6_000),
});
const clock: Maker = (random, cast) => {
  const name = pickOf(random, cast, ["hosts", "coordinators", "apis", "routers", "gateways"]);
  // To a gateway that is far ahead of the others their sessions are over.
  const jumps = cast.gateways.includes(name) ? [5_000, -5_000] : [hourMs, -hourMs, 5_000, -5_000, 31_000, -31_000];
  return { kind: "clock", name, jumpMs: random.pick(jumps) };
};

const move: Maker = (random, { hosts }) => ({ kind: "move", draw: random.next(), toHost: random.pick(hosts) });
const drain: Maker = (random, { hosts }) => ({
  kind: "drain",
  host: random.pick(hosts),
  forMs: random.between(1_000, 20_000),
});
const double: Maker = () => ({ kind: "double" });
const reshard: Maker = (random) => ({
  kind: "reshard",
  verb: random.pick(["pause", "resume", "resume", "cancel", "undo"] as const),
});
const rebalance: Maker = () => ({ kind: "rebalance" });
const balance: Maker = (random) => ({ kind: "balance", mode: random.chance(0.7) ? "Auto" : "Off" });
const secondCoordinator: Maker = () => ({ kind: "second coordinator" });

const cut: Maker = (random, { listeners }) => ({ kind: "reset", a: random.pick(listeners), b: "*" });
const drainGateway: Maker = (random, { gateways }) => ({
  kind: "drain gateway",
  name: random.pick(gateways),
  forMs: random.between(2_000, 15_000),
});
const crashGateways = crash(["gateways"]);
const pauseGateways = pause(["gateways"]);
const blockGateways: Maker = (random, { gateways, routers, listeners, others }) => {
  const [a, b] = [random.pick(gateways), random.pick([...routers, ...listeners, ...others, ...gateways])];
  const forMs = random.between(100, 16_000);
  return random.chance(0.5) ? { kind: "block", from: a, to: b, forMs } : { kind: "block", from: b, to: a, forMs };
};

// Messages by which ownership and sessions change hands, and those that are to be answered once.
const trapped = ["begin", "copy", "commit", "takeEpoch", "append", "renewHost", "awaitOrders", "moveShard", "command"];
const trap: Maker = (random, { gateways }) => ({
  kind: "trap",
  on: random.pick(gateways.length > 1 && random.chance(0.2) ? ["sealSession", "authenticate", "join"] : trapped),
  isReply: random.chance(0.5),
  skip: random.chance(0.6) ? 0 : random.int(6),
  afterMs: random.chance(0.4) ? 0 : random.exponential(4),
  effect: random.pick([
    "crash sender",
    "crash receiver",
    "pause sender",
    "pause receiver",
    "block",
    "reset",
    "block, crash receiver",
  ]),
  forMs: random.chance(0.4) ? random.between(5, 300) : random.between(300, 9_000),
});
const coordinatorStore: Maker = (random) => ({ kind: "coordinator store", forMs: random.between(500, 8_000) });
const fullSessionStore: Maker = (random) => ({ kind: "session store", forMs: random.between(200, 6_000) });

const cutOrMove: Maker = (random, cast) => (cast.listeners.length > 0 ? cut(random, cast) : move(random, cast));

const crashHosts = crash(["hosts"]);
const crashAny = crash(["hosts", "hosts", "routers", "apis", "coordinators", "gateways", "others"]);
const pauseHosts = pause(["hosts"]);
const pauseAny = pause(["hosts", "hosts", "routers", "coordinators", "gateways", "others"]);

const makers: Readonly<Record<ProfileName, readonly Maker[]>> = {
  calm: [],
  moves: [move, move, move, move, drain, rebalance, balance],
  doubling: [double, double, move, move, crashAny, reshard, balance],
  crashes: [crashHosts, crashAny, crashAny, reset, move, secondCoordinator],
  partitions: [block, block, block, reset, slow, move],
  divides: [divide, divide, holdAppends, holdAppends, pauseHosts, crashHosts],
  pauses: [pauseHosts, pauseAny, pauseAny, slow, move, move],
  "slow-journal": [slowJournal, slowJournal, slowStore, crashHosts, move, move],
  clocks: [clock, clock, clock, crashHosts, pauseHosts, move],
  "bus-loss": [busLoss, busLoss, crashAny, reset],
  sessions: [
    crashGateways,
    crashGateways,
    cut,
    cut,
    cut,
    drainGateway,
    pauseGateways,
    blockGateways,
    crashHosts,
    move,
    busLoss,
    fullSessionStore,
  ],
  long: [crashAny, crashHosts, pauseHosts, block, slowJournal, slowStore, move, double, cutOrMove],
  traps: [trap, trap, trap, trap, move, move, move, double, drain],
  everything: [
    trap,
    coordinatorStore,
    move,
    move,
    move,
    drain,
    double,
    reshard,
    secondCoordinator,
    crashHosts,
    crashAny,
    pauseHosts,
    pauseAny,
    block,
    reset,
    slow,
    slowJournal,
    slowStore,
    busLoss,
    clock,
  ],
};

const mostFaults = 9;

/** Makes a plan between two moments, out of the seed's chance. */
export function makePlan(
  random: Random,
  profile: ProfileName,
  cast: Cast,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): PlannedFault[] {
  const choice = makers[profile];
  if (choice.length === 0) return [];
  const count = 1 + random.int(mostFaults);
  const plan: PlannedFault[] = [];
  for (let made = 0; made < count; made++) {
    const fault = random.pick(choice)(random, cast);
    // Often one upon another.
    const last = plan.at(-1)?.atMs;
    const isNear = last !== undefined && random.chance(0.4);
    const atMs = isNear ? Math.min(toMs, last + random.exponential(400)) : random.between(fromMs, toMs);
    plan.push({ atMs, fault });
  }
  return plan.sort((a, b) => a.atMs - b.atMs);
}

function pickOf(random: Random, cast: Cast, kinds: readonly (keyof Cast)[]): string {
  const filled = kinds.filter((kind) => cast[kind].length > 0);
  return random.pick(cast[random.pick(filled)]);
}

/** Two that talk to one another, a host among them mostly. */
function pairOf(random: Random, cast: Cast): [string, string] {
  const host = random.pick(cast.hosts);
  const { routers, coordinators, others, apis, hosts, gateways } = cast;
  if (random.chance(0.75)) {
    const rest = [...routers, ...coordinators, ...others, ...hosts].filter((name) => name !== host);
    return [host, random.pick(rest)];
  }
  const router = random.pick(routers);
  return [router, random.pick([...apis, ...coordinators, ...others, ...gateways])];
}
