import { GuildhallError } from "@guildhall/errors";
import { decideEpoch, type EpochAsk, type EpochRow, formatRange, rangeContains, splitRange } from "@guildhall/slots";
import { type ManualTime, makeManualTime } from "@guildhall/testing";
import {
  type Coordinator,
  type CoordinatorOptions,
  createCoordinator,
  type FleetSpec,
  makeMemoryCoordinatorStore,
  type OrderRow,
  type Renewal,
} from "../src/domain/index.ts";
import { initialSpec } from "../src/domain/spec.ts";

/** A journal that decides EPOCHs as `data` does. */
export interface Journal {
  readonly rows: Map<string, EpochRow>;
  down: boolean;
  readings: number;
  take(ask: EpochAsk): boolean;
  ownerOf(slot: number): EpochRow | undefined;
}

export function makeJournal(): Journal {
  const rows = new Map<string, EpochRow>();
  const ownerOf = (slot: number): EpochRow | undefined =>
    [...rows.values()].filter(({ range }) => rangeContains(range, slot)).sort((a, b) => b.epoch - a.epoch)[0];
  return {
    rows,
    down: false,
    readings: 0,
    ownerOf,
    take({ prev, ...row }) {
      const { taken } = decideEpoch(ownerOf(row.range.i), { ...row, prev });
      if (taken) rows.set(formatRange(row.range), row);
      return taken;
    },
  };
}

/** A host that does what it is ordered to; `deaf` renews and carries nothing out, `refuses` answers moves and splits so. */
export class TestHost {
  readonly name: string;
  readonly incarnation: string;
  readonly owned = new Map<string, EpochRow>();
  readonly got: OrderRow[] = [];
  readonly #world: World;
  readonly #done = new Set<string>();
  #outcomes: Renewal["outcomes"][number][] = [];
  alive = true;
  deaf = false;
  answers: "done" | "taken back" | "refused" | "silent" = "done";
  version = "1";
  loadOf: (key: string) => number = () => 0;
  ttlMs: number | undefined;

  constructor(world: World, name: string, incarnation: string) {
    this.#world = world;
    this.name = name;
    this.incarnation = incarnation;
  }

  renewal(): Renewal {
    return {
      host: this.name,
      address: `${this.name}:7000`,
      incarnation: this.incarnation,
      shards: [...this.owned].map(([key, row]) => ({ range: rangeOf(key), row, load: this.#load(key) })),
      outcomes: this.#outcomes,
      cpuShare: 1,
      memoryBytes: 0,
      journalP99Ms: 1,
      version: this.version,
    };
  }

  async renew(): Promise<void> {
    if (!this.alive || this.#world.coordinator === undefined) return;
    const said = this.#outcomes;
    try {
      const { orders, ttlMs } = await this.#world.coordinator.renewHost(this.renewal());
      this.ttlMs = ttlMs;
      this.#outcomes = this.#outcomes.filter((outcome) => !said.includes(outcome));
      const isNews = orders.filter((order) => this.carryOut(order)).length > 0;
      if (isNews) await this.renew();
    } catch (error) {
      this.ttlMs = undefined;
      if (!(error instanceof GuildhallError)) throw error;
    }
  }

  carryOut(order: OrderRow): boolean {
    if (!this.#done.has(order.moveId)) this.got.push(order);
    if (this.deaf || !this.alive || this.#done.has(order.moveId)) return false;
    this.#done.add(order.moveId);
    if (order.kind === "take") return this.#take(order);
    const { moveId } = order;
    if (this.answers === "silent") return false;
    if (this.answers === "refused") {
      this.#outcomes.push({ moveId, result: "refused", reason: "not now", pauseMs: 0 });
      return true;
    }
    return order.kind === "split" ? this.#split(order) : this.#move(order);
  }

  #take({ range, moveId, fromIncarnation }: OrderRow): boolean {
    const { journal } = this.#world;
    const prev = journal.ownerOf(range.i);
    const isMine = prev?.host === this.name;
    if (prev !== undefined && prev.incarnation !== fromIncarnation && !isMine) return false;
    const row = {
      range,
      split: false,
      epoch: (prev?.epoch ?? 0) + 1,
      host: this.name,
      incarnation: this.incarnation,
      moveId,
    };
    if (journal.take({ ...row, prev })) this.owned.set(formatRange(range), row);
    return true;
  }

  #split({ range, moveId }: OrderRow): boolean {
    const prev = this.owned.get(formatRange(range));
    if (prev === undefined) return false;
    const row = { ...prev, range, split: true, epoch: prev.epoch + 1, moveId };
    if (!this.#world.journal.take({ ...row, prev })) return false;
    this.owned.delete(formatRange(range));
    for (const half of splitRange(range)) this.owned.set(formatRange(half), row);
    this.#outcomes.push({ moveId, result: "done", reason: "", pauseMs: 7 });
    return true;
  }

  #move({ range, moveId, toHost, toIncarnation }: OrderRow): boolean {
    const key = formatRange(range);
    const prev = this.owned.get(key);
    const to = this.#world.hosts.get(toHost);
    if (prev === undefined || to === undefined) return false;
    const isBack = this.answers === "taken back";
    const owner = isBack ? this : to;
    const row = {
      range,
      split: false,
      epoch: prev.epoch + 1,
      host: owner.name,
      incarnation: isBack ? this.incarnation : toIncarnation,
      moveId,
    };
    if (!this.#world.journal.take({ ...row, prev })) return false;
    this.owned.delete(key);
    owner.owned.set(key, row);
    const outcome = { moveId, reason: isBack ? "too slow" : "", pauseMs: 12 };
    this.#outcomes.push({ ...outcome, result: isBack ? "taken back" : "done" });
    if (!isBack) void to.renew();
    return true;
  }

  #load(key: string) {
    const share = this.loadOf(key);
    return {
      openTopics: 1,
      commandsPerS: share * 100,
      bytesPerS: share * 10_000_000,
      cpuShare: share,
      memoryBytes: 0,
      lowPart: 0.5,
      busiestTopic: 42n,
      busiestPart: 0,
    };
  }
}

export interface World {
  readonly time: ManualTime;
  readonly journal: Journal;
  readonly store: ReturnType<typeof makeMemoryCoordinatorStore>;
  readonly hosts: Map<string, TestHost>;
  readonly deposed: string[];
  readonly failures: unknown[];
  coordinator: Coordinator | undefined;
  /** Starts a coordinator on the store, in the place of the one there is. */
  start(): Promise<Coordinator>;
  /** Another one beside it. */
  another(): Promise<Coordinator>;
  stop(): void;
  host(name: string, incarnation?: string): TestHost;
  pass(ms: number): Promise<void>;
  owners(): Record<string, string>;
  apply(change?: Partial<FleetSpec>): ReturnType<Coordinator["applySpec"]>;
}

/** A fleet of `hosts` with `shards`, with everything but the coordinator made for the test. */
export function makeWorld(options: CoordinatorOptions): World {
  const time = makeManualTime();
  let ids = 0;
  let spec = initialSpec(options.shards, options.hosts);
  const world: World = {
    time,
    journal: makeJournal(),
    store: makeMemoryCoordinatorStore(),
    hosts: new Map(),
    deposed: [],
    failures: [],
    coordinator: undefined,
    another: () =>
      createCoordinator(options, {
        clock: time.clock,
        timers: time.timers,
        newId: () => `id-${++ids}`,
        store: world.store,
        async readEpochs() {
          world.journal.readings += 1;
          if (world.journal.down) throw new GuildhallError("UNAVAILABLE", "data is down");
          return [...world.journal.rows.values()];
        },
        countTopics: async (n) => Array.from({ length: n }, (_, i) => 10 + i),
        onEpochFailure: (error) => world.failures.push(error),
        onFailure: (error) => world.failures.push(error),
        onDeposed: ({ message }) => world.deposed.push(message),
      }),
    async start() {
      world.stop();
      world.coordinator = await world.another();
      await world.pass(0);
      return world.coordinator;
    },
    stop() {
      world.coordinator?.[Symbol.dispose]();
      world.coordinator = undefined;
    },
    host(name, incarnation = `${name}-a`) {
      const former = world.hosts.get(name);
      if (former !== undefined) former.alive = false;
      const host = new TestHost(world, name, incarnation);
      world.hosts.set(name, host);
      const loop = (): void => {
        if (world.hosts.get(name) !== host && !host.alive) return;
        void host.renew();
        time.timers.after(1_000, loop);
      };
      loop();
      return host;
    },
    pass: (ms) => time.advanceAsync(ms),
    owners() {
      const fleet = world.coordinator?.describe();
      return Object.fromEntries(
        (fleet?.shards ?? []).map(({ entry, state }) => [
          `${entry?.range?.i}/${entry?.range?.n}`,
          `${entry?.host}@${entry?.epoch} ${state}`,
        ]),
      );
    },
    apply(change = {}) {
      spec = { ...spec, ...change };
      if (world.coordinator === undefined) throw new Error("no coordinator");
      return world.coordinator.applySpec(spec);
    },
  };
  return world;
}

function rangeOf(key: string): { i: number; n: number } {
  const [i = 0, n = 1] = key.split("/").map(Number);
  return { i, n };
}
