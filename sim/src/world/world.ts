import { type Coordinator, type CoordinatorStore, makeMemoryCoordinatorStore } from "@guildhall/coordinator/domain";
import type { DataGuards } from "@guildhall/data/domain";
import { allGuards } from "@guildhall/data/domain";
import { type GatewayGuards, MemorySessionStore } from "@guildhall/gateway/core";
import type { ConfirmGuards, Host, HostGuards } from "@guildhall/guild/domain";
import type { Profile } from "@guildhall/proto";
import type { Router } from "@guildhall/router/domain";
import type { MapGuards } from "@guildhall/slots";
import { smallestIdAt } from "@guildhall/snowflake";
import type { DataDisk } from "../actors/data.ts";
import type { SimGateway } from "../actors/gateway.ts";
import type { HostOptions } from "../actors/host.ts";
import type { FleetOperator } from "../actors/operator.ts";
import type { Script } from "../actors/scripted-coordinator.ts";
import { AccountsDisk } from "../actors/user.ts";
import type { JournalView } from "../checks/check-journal.ts";
import { Evidence } from "../checks/evidence.ts";
import { type ApiClient, makeApiClient } from "../clients/api-client.ts";
import { type Listener, startListener } from "../clients/listener.ts";
import { makeProfile, type SimGuildPlan } from "../clients/sim-guild.ts";
import { type Engine, makeEngine } from "../engine/engine.ts";
import { makeRandom, type Random } from "../engine/random.ts";
import { JournalDisk } from "../model/journal-disk.ts";
import { LogDisk } from "../model/log-disk.ts";
import { StoreDisk } from "../model/store-disk.ts";
import { makeNetwork, type Network } from "../network/network.ts";
import { addressOf } from "./address.ts";
import { beginMs, type Machines, makeMachines } from "./machines.ts";
import { startPrograms } from "./programs.ts";
import { makeWeather, type Weather } from "./weather.ts";

/** Both kinds of journal. */
export type JournalKind = "refusing" | "confirming";

const partitions = 16;

/** Protections, by the part that has them; what is not named is on. */
export interface WorldGuards {
  readonly data?: Partial<DataGuards>;
  readonly host?: Partial<HostGuards>;
  /** Of routers' and hosts' maps. */
  readonly map?: Partial<MapGuards>;
  readonly gateway?: Partial<GatewayGuards>;
  /** Of the journal that confirms by reading. */
  readonly confirming?: Partial<ConfirmGuards>;
}

/** How large a world is, and what of its protections is switched off. */
export interface WorldOptions {
  readonly seed: number;
  readonly shards: number;
  readonly hosts: number;
  readonly routers: number;
  readonly apis: number;
  readonly gateways?: number;
  /** What may wait for one client; left out: so little that clients that are held up for seconds reach it. */
  readonly queueBytes?: number;
  /** Messages are written to bytes and read again on their way. */
  readonly isWire?: boolean;
  /** Refusing: the one at `data`. Confirming: a log that takes whatever it is sent, read to see what counts. */
  readonly journal?: JournalKind;
  /** Instead of a coordinator. */
  readonly script?: Script;
  readonly guards?: WorldGuards;
  readonly isTracing?: boolean;
}

/** A fleet of real logic on simulated machines. */
export class World {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly engine: Engine;
  readonly network: Network;
  readonly machines: Machines;
  readonly weather: Weather;
  readonly evidence: Evidence;
  readonly disk: DataDisk;
  readonly log: LogDisk;
  readonly accounts = new AccountsDisk();
  readonly hosts = new Map<string, Host>();
  readonly routers = new Map<string, Router>();
  readonly gateways = new Map<string, SimGateway>();
  readonly sessionStore: MemorySessionStore;
  readonly coordinatorStore: CoordinatorStore = makeMemoryCoordinatorStore();
  coordinator: Coordinator | undefined;
  operator: FleetOperator | undefined;
  #people = 0n;
  #guilds = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = makeRandom(options.seed);
    this.engine = makeEngine(this.random.fork("ties"));
    const nowMs = (): number => this.engine.nowMs;
    this.evidence = new Evidence(nowMs);
    this.evidence.isTracing = options.isTracing ?? false;
    this.network = makeNetwork(this.engine, this.random.fork("network"), { leastMs: 0.1, meanMs: 0.3 }, options.isWire);
    this.weather = makeWeather(this.random.fork("weather"));
    this.machines = makeMachines({
      engine: this.engine,
      random: this.random.fork("machines"),
      onUncaught: (process, error) => {
        this.evidence.violate("uncaught", `${process.name} ended by ${stackOf(error)}`, []);
        process.crash();
      },
    });
    const journal = new JournalDisk(nowMs, { ...allGuards, ...options.guards?.data });
    journal.onRecord = ({ topic, seq, epoch, requestId, position }) =>
      this.evidence.note(() => `journal ${position}: topic ${topic} seq ${seq} epoch ${epoch} request ${requestId}`);
    journal.onEpoch = ({ range, epoch, incarnation, moveId, split }) => {
      this.evidence.count(split ? "splits" : "takes");
      this.evidence.note(() => {
        const what = split ? "split of " : "";
        return `journal EPOCH ${what}${range.i}/${range.n}@${epoch} ${incarnation} by ${moveId}`;
      });
    };
    this.log = new LogDisk(partitions, nowMs);
    this.log.truth.onRecord = journal.onRecord;
    this.log.truth.onEpoch = ({ range, epoch, incarnation, moveId, split }, partition, isCopy) => {
      if (!isCopy) this.evidence.count(split ? "splits" : "takes");
      this.evidence.note(() => {
        const what = `${isCopy ? "copy of " : ""}EPOCH ${split ? "split of " : ""}`;
        return `log ${partition} ${what}${range.i}/${range.n}@${epoch} ${incarnation} by ${moveId}`;
      });
    };
    this.sessionStore = new MemorySessionStore(() => beginMs + this.engine.nowMs);
    this.disk = { journal, store: new StoreDisk(), directory: new Map() };
  }

  /** Starts every process. */
  start(): void {
    startPrograms(this);
  }

  /** Where the log is, when that is the journal. */
  get logAt(): HostOptions["log"] {
    const { journal, guards } = this.options;
    if (journal !== "confirming") return undefined;
    return { address: addressOf("log-0"), partitions, guards: { confirm: true, ...guards?.confirming } };
  }

  /** What counts as journaled, by the rules alone. */
  get journaled(): JournalView {
    const { disk, log } = this;
    if (this.options.journal === "confirming") return { topics: log.truth.topics, epochs: undefined };
    return { topics: disk.journal.topics, epochs: disk.journal.epochs };
  }

  /** Names of a kind: "guild-0" and so on. */
  namesOf(kind: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => `${kind}-${index}`);
  }

  /** Somebody who uses the platform, on a machine of their own. */
  client(name: string): ApiClient {
    const process = this.machines.install(name, () => {});
    return makeApiClient(this.network, process, this.namesOf("api", this.options.apis).map(addressOf));
  }

  /** Somebody who listens at the gateways. */
  listener(name: string, profile: Profile): Listener {
    const token = `token of ${profile.id}`;
    this.accounts.register(profile, token);
    return startListener(this.network, {
      process: this.machines.install(name, () => {}),
      ...{ profile, token, intents: profile.bot ? botIntents : undefined },
      gateways: this.namesOf("gateway", this.options.gateways ?? 0).map(addressOf),
      random: this.random.fork(name),
      evidence: this.evidence,
    });
  }

  /** A guild in the next shard, with `people` besides its owner and victim. */
  planGuild(people: number): SimGuildPlan {
    const id = smallestIdAt(guildsBeginMs + this.#guilds);
    this.#guilds++;
    const profile = (isBot = false) => {
      this.#people++;
      return makeProfile(smallestIdAt(peopleBeginMs) + this.#people, `p${this.#people}`, isBot);
    };
    return {
      id,
      owner: profile(),
      people: Array.from({ length: people }, () => profile()),
      victim: profile(),
      bot: profile(true),
    };
  }
}

// GUILDS, GUILD_MEMBERS, GUILD_MESSAGES, GUILD_MESSAGE_REACTIONS, MESSAGE_CONTENT.
const botIntents = (1 << 0) | (1 << 1) | (1 << 9) | (1 << 10) | (1 << 15);
const guildsBeginMs = 1_750_000_000_000;
const peopleBeginMs = 1_700_000_000_000;

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
