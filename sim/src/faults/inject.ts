import type { OperatorBody } from "../actors/operator.ts";
import type { World } from "../world/world.ts";
import type { Fault, PlannedFault } from "./fault.ts";

/** Puts faults into a world. */
export interface Injector {
  /** Has each fault happen at its time. */
  schedule(plan: readonly PlannedFault[]): void;
  inject(fault: Fault): void;
  /** Ends every fault now; what was planned for later does not happen. */
  heal(): void;
}

/** Makes the injector of a world. */
export function makeInjector(world: World): Injector {
  return new WorldInjector(world);
}

// As many as a log has partitions.
const mostShards = 16;

// While the answer is still held up.
const crashPart = 0.7;

function caseOf(message: unknown): string | undefined {
  return (message as { body?: { $case?: string } } | undefined)?.body?.$case;
}

/** What a trap does to the two between whom its message went. */
function sprung({ effect, forMs }: Extract<Fault, { kind: "trap" }>, from: string, to: string): Fault {
  switch (effect) {
    case "crash sender":
    case "crash receiver":
      return { kind: "crash", name: effect === "crash sender" ? from : to, silently: false, effects: undefined, forMs };
    case "pause sender":
    case "pause receiver":
      return { kind: "pause", name: effect === "pause sender" ? from : to, how: "frozen", forMs };
    case "block":
    case "block, crash receiver":
      return { kind: "block", from, to, forMs };
    case "reset":
      return { kind: "reset", a: from, b: to };
  }
}

type OperatorKind = "move" | "drain" | "double" | "reshard" | "rebalance" | "balance";

class WorldInjector implements Injector {
  readonly #world: World;
  readonly #active = new Set<() => void>();
  #isHealed = false;

  constructor(world: World) {
    this.#world = world;
  }

  schedule(plan: readonly PlannedFault[]): void {
    const { engine, evidence } = this.#world;
    for (const { atMs, fault } of plan) {
      engine.at(atMs, () => {
        if (this.#isHealed) return;
        evidence.count(`fault ${fault.kind}`);
        evidence.note(() => `FAULT ${JSON.stringify(fault)}`);
        this.inject(fault);
      });
    }
  }

  inject(fault: Fault): void {
    const { machines, network } = this.#world;
    switch (fault.kind) {
      case "crash":
        this.#crash(fault);
        break;
      case "pause": {
        const process = machines.at(fault.name);
        process.pause(fault.how);
        this.#lasting(fault.forMs, () => process.resume());
        break;
      }
      case "block": {
        const block = network.block(fault.from, fault.to);
        this.#lasting(fault.forMs, () => block[Symbol.dispose]());
        break;
      }
      case "divide": {
        const sides = fault.here.flatMap((a) => fault.there.flatMap((b) => [network.block(a, b), network.block(b, a)]));
        this.#lasting(fault.forMs, () => {
          for (const block of sides) block[Symbol.dispose]();
        });
        break;
      }
      case "reset":
        network.reset(fault.a, fault.b);
        break;
      case "slow": {
        const slow = network.slow(fault.from, fault.to, fault.addedMs);
        this.#lasting(fault.forMs, () => slow[Symbol.dispose]());
        break;
      }
      case "journal":
      case "store":
      case "bus":
        this.#worsen(fault);
        break;
      case "clock":
        machines.crash(fault.name);
        machines.jumpClock(fault.name, fault.jumpMs);
        machines.start(fault.name);
        break;
      case "trap":
        this.#setTrap(fault);
        break;
      case "coordinator store":
        this.#world.weather.coordinatorStoreFails = true;
        this.#lasting(fault.forMs, () => {
          this.#world.weather.coordinatorStoreFails = false;
        });
        break;
      case "session store":
        this.#fillSessionStore(fault.forMs);
        break;
      case "drain gateway":
        this.#drainGateway(fault.name, fault.forMs);
        break;
      case "second coordinator":
        machines.startBeside("coordinator-0");
        break;
      default:
        this.#operate(fault);
    }
  }

  heal(): void {
    const { evidence, weather } = this.#world;
    this.#isHealed = true;
    evidence.note(() => "HEALED");
    for (const undo of [...this.#active]) undo();
    // Weather that changed twice at once may be put back to what was bad, too.
    weather.clear();
  }

  #crash({ name, silently, effects, forMs }: Extract<Fault, { kind: "crash" }>): void {
    const { machines } = this.#world;
    const process = machines.at(name);
    if (effects === undefined) process.crash(silently);
    else process.crashAfter(effects);
    this.#lasting(forMs, () => {
      process.crash(silently);
      machines.start(name);
    });
  }

  #fillSessionStore(forMs: number): void {
    const { sessionStore, evidence } = this.#world;
    sessionStore.isFull = true;
    evidence.exempt("kept");
    this.#lasting(forMs, () => {
      sessionStore.isFull = false;
    });
  }

  #setTrap(trap: Extract<Fault, { kind: "trap" }>): void {
    const { network, engine, evidence } = this.#world;
    let left = trap.skip;
    const watching = network.watch(({ from, to, isReply, message }) => {
      if (this.#isHealed || isReply !== trap.isReply || caseOf(message) !== trap.on || left-- > 0) return;
      watching[Symbol.dispose]();
      engine.after(trap.afterMs, () => {
        if (this.#isHealed) return;
        evidence.count(`trapped ${trap.on}`);
        evidence.note(() => `TRAPPED ${trap.on} from ${from} to ${to}: ${trap.effect}`);
        this.inject(sprung(trap, from, to));
        if (trap.effect !== "block, crash receiver") return;
        const crash: Fault = { kind: "crash", name: to, silently: false, effects: undefined, forMs: 500 };
        engine.after(trap.forMs * crashPart, () => {
          if (!this.#isHealed) this.inject(crash);
        });
      });
    });
  }

  #drainGateway(name: string, forMs: number): void {
    const { gateways, machines } = this.#world;
    const process = machines.at(name);
    const gateway = gateways.get(name);
    if (!process.isAlive || gateway === undefined) return;
    process.enter(() => void gateway.drain().then(() => process.crash()));
    this.#lasting(forMs, () => {
      process.crash();
      machines.start(name);
    });
  }

  #operate(fault: Extract<Fault, { kind: OperatorKind }>): void {
    const { operator, evidence, machines } = this.#world;
    if (operator === undefined || !machines.at("operator").isAlive) return;
    const drive = (body: OperatorBody): void => {
      void operator.drive(body).then((code) => evidence.note(() => `operator: ${body.$case} ${code ?? "accepted"}`));
    };
    switch (fault.kind) {
      case "move": {
        const shards = operator.description?.shards ?? [];
        const range = shards[Math.floor(fault.draw * shards.length)]?.entry?.range;
        if (range !== undefined) drive({ $case: "moveShard", value: { range, toHost: fault.toHost, dryRun: false } });
        break;
      }
      case "drain": {
        const { host, forMs } = fault;
        drive({ $case: "drainHost", value: { host, dryRun: false, cancel: false } });
        this.#lasting(forMs, () => drive({ $case: "drainHost", value: { host, dryRun: false, cancel: true } }));
        break;
      }
      case "double":
        if (operator.spec.shards < mostShards) {
          operator.spec = { ...operator.spec, shards: operator.spec.shards * 2 };
        }
        break;
      case "reshard":
        drive({ $case: "driveReshard", value: { verb: fault.verb, to: 0, hash: "", dryRun: false } });
        break;
      case "rebalance":
        drive({ $case: "rebalance", value: { dryRun: false } });
        break;
      case "balance":
        operator.spec = { ...operator.spec, rebalancingMode: fault.mode };
        break;
      default:
        fault satisfies never;
    }
  }

  #worsen(fault: Extract<Fault, { kind: "journal" | "store" | "bus" }>): void {
    const { weather } = this.#world;
    const { commitMs, failChance, unknownChance, readsFail, storeMs, storeFails, directoryFails, busLoss } = weather;
    if (fault.kind === "journal") {
      weather.commitMs = fault.commitMs;
      weather.failChance = fault.failChance;
      weather.unknownChance = fault.unknownChance;
      weather.readsFail = fault.readsFail;
      this.#lasting(fault.forMs, () => Object.assign(weather, { commitMs, failChance, unknownChance, readsFail }));
    } else if (fault.kind === "store") {
      weather.storeMs = fault.storeMs;
      weather.storeFails = fault.fails;
      weather.directoryFails = fault.directoryFails;
      this.#lasting(fault.forMs, () => Object.assign(weather, { storeMs, storeFails, directoryFails }));
    } else {
      weather.busLoss = fault.loss;
      this.#lasting(fault.forMs, () => Object.assign(weather, { busLoss }));
    }
  }

  /** Undoes something after a while, or at the healing if that is earlier. */
  #lasting(forMs: number, undo: () => void): void {
    const once = (): void => {
      if (this.#active.delete(once)) undo();
    };
    this.#active.add(once);
    this.#world.engine.after(forMs, once);
  }
}
