import type { Engine } from "../engine/engine.ts";
import type { Random } from "../engine/random.ts";
import { makeSimProcess, type SimProcess } from "../engine/sim-process.ts";

/** Starts what a process runs. */
export type Program = (process: SimProcess) => void | Promise<void>;

/** The machines of a run, one a process name: each with a clock of its own, and a program that starts there. */
export interface Machines {
  readonly names: readonly string[];
  /** Installs a program under a name, and starts it. */
  install(name: string, program: Program): SimProcess;
  /** The incarnation that runs now, or ran last. */
  at(name: string): SimProcess;
  /** Starts a new incarnation when none runs. */
  start(name: string): void;
  /** Ends what runs there. `silently`: with its machine, so that nobody is told. */
  crash(name: string, silently?: boolean): void;
  /** Sets a machine's clock; what runs there sees it at its next start. */
  jumpClock(name: string, ms: number): void;
  /** Starts another incarnation while one may run, as a second one on the same state; from then on it is the one named. */
  startBeside(name: string): void;
}

/** What machines are made of. */
export interface MachinesOptions {
  readonly engine: Engine;
  readonly random: Random;
  readonly onUncaught: (process: SimProcess, error: unknown) => void;
}

interface Machine {
  readonly program: Program;
  readonly rate: number;
  clockMs: number;
  incarnations: number;
  process: SimProcess;
}

/** Unix time of the beginning (ms). */
export const beginMs = 1_760_000_000_000;
const mostSkewMs = 400;
const mostDrift = 2e-4;

/** Makes a room without machines. */
export function makeMachines({ engine, random, onUncaught }: MachinesOptions): Machines {
  const machines = new Map<string, Machine>();
  const find = (name: string): Machine => {
    const machine = machines.get(name);
    if (machine === undefined) throw new Error(`no machine is called ${name}`);
    return machine;
  };
  const run = (name: string, machine: Omit<Machine, "process">): SimProcess => {
    machine.incarnations++;
    const process: SimProcess = makeSimProcess({
      name,
      incarnation: `${name}#${machine.incarnations}`,
      engine,
      wallAtStartMs: beginMs + machine.clockMs + engine.nowMs,
      rate: machine.rate,
      onUncaught: (error) => onUncaught(process, error),
    });
    process.enter(() => {
      Promise.try(() => machine.program(process)).catch((error: unknown) => onUncaught(process, error));
    });
    return process;
  };
  return {
    get names() {
      return [...machines.keys()];
    },
    install(name, program) {
      const rate = 1 + random.between(-mostDrift, mostDrift);
      const machine = { program, rate, clockMs: random.between(-mostSkewMs, mostSkewMs), incarnations: 0 };
      const process = run(name, machine);
      machines.set(name, Object.assign(machine, { process }));
      return process;
    },
    at: (name) => find(name).process,
    start(name) {
      const machine = find(name);
      if (!machine.process.isAlive) machine.process = run(name, machine);
    },
    crash: (name, silently) => find(name).process.crash(silently),
    jumpClock(name, ms) {
      find(name).clockMs += ms;
    },
    startBeside(name) {
      const machine = find(name);
      machine.process = run(name, machine);
    },
  };
}
