import { GuildhallError } from "@guildhall/errors";
import { type ManualTime, makeManualTime } from "@guildhall/testing";
import { initialSpec } from "../src/domain/spec.ts";
import {
  type Coordinator,
  type CoordinatorOptions,
  type CoordinatorStore,
  createCoordinator,
  type FleetSpec,
  makeMemoryCoordinatorStore,
} from "../src/pure.ts";
import { makeJournal } from "./journal.ts";
import { TestHost } from "./test-host.ts";

/** Time that can pass without anything running, and a wall clock that can be set. */
export type SleepyTime = ManualTime & { sleep(ms: number): void; setWallBy(ms: number): void };

function makeSleepyTime(): SleepyTime {
  const time = makeManualTime();
  let sleptMs = 0;
  let setByMs = 0;
  const { clock } = time;
  return {
    ...time,
    clock: {
      nowMs: () => clock.nowMs() + sleptMs + setByMs,
      nowUs: () => clock.nowUs() + BigInt(sleptMs + setByMs) * 1_000n,
      monotonicMs: () => clock.monotonicMs() + sleptMs,
    },
    sleep(ms) {
      sleptMs += ms;
    },
    setWallBy(ms) {
      setByMs += ms;
    },
  };
}

/** A fleet with everything but the coordinator made for the test. */
export class World {
  readonly time = makeSleepyTime();
  readonly journal = makeJournal();
  readonly hosts = new Map<string, TestHost>();
  readonly deposed: string[] = [];
  readonly failures: unknown[] = [];
  /** What coordinators keep. */
  store: CoordinatorStore = makeMemoryCoordinatorStore();
  coordinator: Coordinator | undefined;
  readonly #options: CoordinatorOptions;
  #spec: FleetSpec;
  #ids = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#spec = initialSpec(options.shards, options.hosts);
  }

  /** Starts a coordinator on the store, in the place of the one there is. */
  async start(): Promise<Coordinator> {
    this.stop();
    this.coordinator = await this.another();
    await this.pass(0);
    return this.coordinator;
  }

  /** Starts one beside it. */
  another(): Promise<Coordinator> {
    const { clock, timers } = this.time;
    return createCoordinator(this.#options, {
      clock,
      timers,
      newId: () => {
        this.#ids += 1;
        return `id-${this.#ids}`;
      },
      store: this.store,
      readEpochs: async () => {
        this.journal.readings += 1;
        if (this.journal.down) throw new GuildhallError("UNAVAILABLE", "data is down");
        return [...this.journal.rows.values()];
      },
      countTopics: async (n) => Array.from({ length: n }, (_, i) => 10 + i),
      onEpochFailure: (error) => this.failures.push(error),
      onFailure: (error) => this.failures.push(error),
      onDeposed: ({ message }) => this.deposed.push(message),
    });
  }

  stop(): void {
    this.coordinator?.[Symbol.dispose]();
    this.coordinator = undefined;
  }

  /** The coordinator's state is lost. */
  forget(): void {
    this.store = makeMemoryCoordinatorStore();
  }

  /** Starts a host, in the place of the one of this name. */
  host(name: string, incarnation = `${name}-a`): TestHost {
    const former = this.hosts.get(name);
    if (former !== undefined) former.alive = false;
    const host = new TestHost(this, name, incarnation);
    this.hosts.set(name, host);
    const loop = (): void => {
      if (!host.alive) return;
      void host.renew();
      this.time.timers.after(1_000, loop);
    };
    loop();
    return host;
  }

  /** A host ends, and that becomes known. */
  async lose(name: string): Promise<void> {
    this.the(name).alive = false;
    await this.pass(8_000);
  }

  the(name: string): TestHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`no ${name}`);
    return host;
  }

  /** The coordinator that runs. */
  get now(): Coordinator {
    if (this.coordinator === undefined) throw new Error("no coordinator runs");
    return this.coordinator;
  }

  pass(ms: number): Promise<void> {
    return this.time.advanceAsync(ms);
  }

  /** By range: "host@epoch State". */
  owners(): Record<string, string> {
    const { shards } = this.now.describe();
    return Object.fromEntries(
      shards.map(({ entry, state }) => [
        `${entry?.range?.i}/${entry?.range?.n}`,
        `${entry?.host}@${entry?.epoch} ${state}`,
      ]),
    );
  }

  shardsOf(host: string): string[] {
    return Object.entries(this.owners()).flatMap(([key, owner]) => (owner.startsWith(`${host}@`) ? [key] : []));
  }

  /** What was decided about a subject, the newest last. */
  decided(subject: string): string[] {
    const { decisions } = this.now.describe();
    return decisions
      .filter((decision) => decision.subject === subject)
      .map(({ action, reason }) => `${action}: ${reason}`);
  }

  /** Applies the spec with a change. */
  async apply(change: Partial<FleetSpec> = {}): ReturnType<Coordinator["applySpec"]> {
    const spec = { ...this.#spec, ...change };
    const applied = await this.now.applySpec(spec);
    this.#spec = spec;
    return applied;
  }
}

/** A world whose hosts serve everything. */
export async function serving(options: CoordinatorOptions): Promise<World> {
  const world = new World(options);
  await world.start();
  for (const name of options.hosts) world.host(name);
  await world.pass(3_000);
  return world;
}
