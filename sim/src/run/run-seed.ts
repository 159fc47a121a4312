import { CreateMessage } from "@guildhall/proto";
import { checkAll } from "../checks/check-all.ts";
import { checkPauses } from "../checks/check-pauses.ts";
import type { Violation } from "../checks/evidence.ts";
import { createSimGuild, type SimGuild } from "../clients/sim-guild.ts";
import { type Pace, startWorkload } from "../clients/workload.ts";
import { EndlessError } from "../engine/engine.ts";
import { makeRandom } from "../engine/random.ts";
import { isDeed, type PlannedFault } from "../faults/fault.ts";
import { makeInjector } from "../faults/inject.ts";
import { makePlan, type ProfileName, profileNames } from "../faults/profiles.ts";
import { type JournalKind, World, type WorldGuards } from "../world/world.ts";

/** Which run. */
export interface SeedOptions {
  readonly seed: number;
  readonly profile?: ProfileName;
  readonly journal?: JournalKind;
  readonly isTracing?: boolean;
  /** Protections that are off, to see what each is for. */
  readonly guards?: WorldGuards;
}

/** What came of it. */
export interface SeedReport {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly journal: JournalKind;
  readonly plan: readonly PlannedFault[];
  readonly violations: readonly Violation[];
  readonly trace: readonly string[];
  /** Of everything that happened: two runs of one seed have the same. */
  readonly fingerprint: string;
  readonly events: number;
  readonly commands: number;
  readonly acked: number;
  readonly reads: number;
  readonly records: number;
  /** How often what happened, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

const setUpMs = 15_000;
const faultsMs = 20_000;
/** After the healing everything is served within this time. */
const recoveryMs = 15_000;
/** So long after the last act what is under way may take to come to rest, and so long everything is heard of afterwards. */
const settleMs = 25_000;
/** Longer than requests are remembered for, and with less going on. */
const quietMs = 380_000;
const quietSlowness = 25;
const longestCommandMs = 16_000;
const hearMs = 2_500;
const people = 3;

/** The profile of a seed that names none. */
export function profileOf(seed: number): ProfileName {
  return profileNames[seed % profileNames.length] as ProfileName;
}

/** The journal of a seed that names none: every other of each profile's seeds has the one, or the other. */
export function journalOf(seed: number): JournalKind {
  return Math.floor(seed / profileNames.length) % 2 === 0 ? "refusing" : "confirming";
}

/** Runs one seed to its end. */
export async function runSeed(options: SeedOptions): Promise<SeedReport> {
  const run = new SeedRun(options);
  await run.run();
  return run.report();
}

class SeedRun {
  readonly #seed: number;
  readonly #profile: ProfileName;
  readonly #journal: JournalKind;
  readonly #world: World;
  readonly #guilds: SimGuild[] = [];
  #plan: readonly PlannedFault[] = [];
  #isOn = true;
  #slowness = 1;

  constructor({
    seed,
    profile = profileOf(seed),
    journal = journalOf(seed),
    isTracing = false,
    guards = {},
  }: SeedOptions) {
    this.#seed = seed;
    this.#profile = profile;
    this.#journal = journal;
    this.#world = new World({ seed, ...makeShape(seed, profile), journal, guards, isTracing });
  }

  async run(): Promise<void> {
    const world = this.#world;
    const { engine } = world;
    const unhandled = (error: unknown): void =>
      world.evidence.violate("uncaught", `a promise was rejected with nobody to hear: ${textOf(error)}`, []);
    process.on("unhandledRejection", unhandled);
    try {
      world.start();
      await this.#setUp();
      await this.#suffer();
      if (this.#profile === "long") {
        this.#slowness = quietSlowness;
        await engine.run(engine.nowMs + quietMs);
        this.#slowness = 1;
        await this.#suffer();
      }
      this.#isOn = false;
      await engine.run(engine.nowMs + settleMs, () => this.#isSettled());
      await engine.run(engine.nowMs + hearMs);
      await this.#readAll();
      if (this.#plan.every(({ fault }) => isDeed(fault))) checkPauses(this.#world.evidence);
      checkAll(this.#world.journaled, this.#world.disk.store, this.#world.evidence);
    } catch (error) {
      if (!(error instanceof EndlessError)) throw error;
      world.evidence.violate("endless", error.message, []);
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  }

  /** A time of faults, and what comes after it. */
  async #suffer(): Promise<void> {
    const world = this.#world;
    const { engine } = world;
    const injector = makeInjector(world);
    const fromMs = engine.nowMs + 500;
    const healMs = fromMs + faultsMs;
    const random = world.random.fork(`faults ${this.#plan.length}`);
    const plan = makePlan(random, this.#profile, this.#cast(), { fromMs, toMs: healMs - 500 });
    this.#plan = [...this.#plan, ...plan];
    injector.schedule(plan);
    await engine.run(healMs);
    injector.heal();
    await this.#recover();
  }

  report(): SeedReport {
    const { evidence, engine } = this.#world;
    const commands = [...evidence.commands.values()];
    return {
      seed: this.#seed,
      profile: this.#profile,
      journal: this.#journal,
      plan: this.#plan,
      violations: evidence.violations,
      trace: evidence.trace,
      fingerprint: this.#fingerprint(),
      events: engine.events,
      commands: commands.length,
      acked: commands.filter(({ result }) => result !== undefined).length,
      reads: evidence.reads.length,
      records: this.#recordCount(),
      counts: { ...Object.fromEntries(evidence.counts), "records trimmed": this.#world.disk.journal.trimmed },
    };
  }

  #cast() {
    const { options } = this.#world;
    return {
      hosts: this.#world.namesOf("guild", options.hosts),
      routers: this.#world.namesOf("router", options.routers),
      apis: this.#world.namesOf("api", options.apis),
      coordinators: ["coordinator-0"],
      gateways: this.#world.namesOf("gateway", options.gateways ?? 0),
      listeners: this.#world.machines.names.filter((name) => name.startsWith("listener-")),
      others: ["data-0", "user-0", ...(this.#journal === "confirming" ? ["log-0"] : [])],
    };
  }

  /** Makes the guilds, and lets people act in each as soon as it is there. */
  async #setUp(): Promise<void> {
    const world = this.#world;
    const count = 2 + world.random.fork("guilds").int(2);
    for (let index = 0; index < count; index++) {
      const client = world.client(`client-${index}`);
      const random = world.random.fork(`workload ${index}`);
      const isOn = (): boolean => this.#isOn;
      void createSimGuild(client, world.planGuild(people)).then((guild) => {
        this.#guilds.push(guild);
        this.#listen(guild, index);
        const slowness = (): number => this.#slowness;
        startWorkload({ client, guild, random, evidence: world.evidence, pace, slowness, isOn });
      });
    }
    await world.engine.run(setUpMs, () => this.#guilds.length === count);
    if (this.#guilds.length < count) {
      world.evidence.violate(
        "recovery",
        `${count - this.#guilds.length} guilds were not made within ${setUpMs} ms`,
        [],
      );
    }
  }

  /** The owner, the bot and the victim of a guild listen. */
  #listen(guild: SimGuild, index: number): void {
    const world = this.#world;
    if ((world.options.gateways ?? 0) === 0) return;
    for (const [place, profile] of [guild.owner, guild.bot, guild.victim].entries()) {
      world.listener(`listener-${index}-${place}`, profile);
    }
  }

  /** `recovery`: after the healing a message to each guild is acked, and a read answered, in time. */
  async #recover(): Promise<void> {
    const { engine, evidence } = this.#world;
    const client = this.#world.client(`probe-${this.#plan.length}`);
    const sinceMs = engine.nowMs;
    const waiting = new Set(this.#guilds);
    for (const guild of this.#guilds) {
      void (async () => {
        for (;;) {
          const value = CreateMessage.fromPartial({ channelId: guild.general, content: "probe" });
          const sent = await client.command(guild.owner, 0n, { $case: "createMessage", value });
          const read = await client.read(guild.owner, 0n, { $case: "getChannel", value: { channelId: guild.general } });
          if (sent.is === "done" && read.is === "done") break;
          await client.sleep(100);
        }
        waiting.delete(guild);
        evidence.note(() => `guild ${guild.id} is served again after ${(engine.nowMs - sinceMs).toFixed(0)} ms`);
      })();
    }
    await engine.run(sinceMs + recoveryMs, () => waiting.size === 0);
    for (const { id } of waiting) evidence.violate("recovery", `guild ${id} is not served after ${recoveryMs} ms`, []);
  }

  /** Whether everybody has been answered, and the store has all. */
  #isSettled(): boolean {
    const { evidence, disk, journaled, engine } = this.#world;
    for (const { endedMs, beganMs } of evidence.commands.values()) {
      // Of an api that died nobody is told.
      if (endedMs === undefined && engine.nowMs - beganMs < longestCommandMs) return false;
    }
    for (const [topic, records] of journaled.topics) {
      if ((disk.store.applied.get(topic) ?? 0n) < BigInt(records.length)) return false;
    }
    return true;
  }

  /** The last read of every channel, through everything. */
  async #readAll(): Promise<void> {
    const { engine, evidence } = this.#world;
    const client = this.#world.client("reader");
    let left = 0;
    for (const guild of this.#guilds) {
      for (const channelId of [guild.general, guild.secret]) {
        left++;
        const beganMs = engine.nowMs;
        const value = { channelId, before: 0n, after: 0n, around: 0n, limit: 100 };
        void client.read(guild.owner, 0n, { $case: "listMessages", value }).then((outcome) => {
          left--;
          if (outcome.is !== "done") {
            evidence.violate("recovery", `history of ${channelId} is not read: ${outcome.code}`, []);
            return;
          }
          evidence.reads.push({
            ...{ guildId: guild.id, asker: guild.owner.id, what: { kind: "history", channelId } },
            ...{ beganMs, endedMs: engine.nowMs, answer: { json: outcome.value } },
          });
        });
      }
    }
    await engine.run(engine.nowMs + recoveryMs, () => left === 0);
  }

  #recordCount(): number {
    const { disk, log } = this.#world;
    return this.#journal === "confirming" ? log.truth.records : disk.journal.records.length;
  }

  #fingerprint(): string {
    const { engine, evidence } = this.#world;
    const last = [...this.#world.journaled.topics.values()].map((records) => records.at(-1));
    return [
      ...[engine.events, evidence.commands.size, evidence.reads.length, this.#recordCount()],
      ...last.map((record) => `${record?.ts}.${record?.lastId}`),
    ].join("/");
  }
}

const pace: Pace = { sendMs: 500, changeMs: 1_500, moderateMs: 1_500, readMs: 1_000 };

/** How large a seed's world is. */
function makeShape(seed: number, profile: ProfileName) {
  const random = makeRandom(seed, "shape");
  return {
    shards: random.pick([1, 2, 4, 4]),
    hosts: 2 + random.int(2),
    routers: profile === "divides" ? 2 : 1 + random.int(2),
    apis: 1 + random.int(2),
    isWire: random.chance(0.25),
    gateways: profile === "sessions" ? 2 + random.int(2) : random.int(3),
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
