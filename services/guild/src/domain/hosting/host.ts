import { GuildhallError } from "@guildhall/errors";
import type { EpochRecord, NotOwner, Order, TopicReply, TopicRequest } from "@guildhall/proto";
import { formatRange, rangeContains, slotOf } from "@guildhall/slots";
import type { HostPorts } from "../ports.ts";
import { type Joins, makeJoins } from "../read/answer-join.ts";
import { makeAppender } from "./appender.ts";
import { beatEveryMs, makeBeats } from "./beats.ts";
import { type FenceCheck, makeFenceCheck } from "./fence-check.ts";
import type { HostConfig } from "./host-config.ts";
import { type HostStats, makeHostStats } from "./host-stats.ts";
import { makeJournalGate } from "./journal-gate.ts";
import { makeRecentPool } from "./recent.ts";
import { makeRequestHandler, type RequestHandler } from "./request-handler.ts";
import { type HostParts, openShard, type Shard } from "./shard.ts";
import { lastOf, takeRange } from "./take-range.ts";

/*
 * States of a range on a host:
 *
 *   (none) ──order──▶ taking ──taken──▶ loading ──loaded──▶ serving ──fenced, found lost──▶ (none)
 *                       └──refused, failed──▶ (none), the coordinator orders anew
 */

/** A host of guilds. */
export interface Host extends Disposable {
  readonly stats: HostStats;
  /** Whether it serves anything. */
  readonly serving: boolean;
  readonly shards: readonly Shard[];
  /** How much is held, for metrics. */
  sizes(): { topics: number; members: number; messages: number };
  /** Answers a request about a topic. */
  handle(request: TopicRequest): Promise<TopicReply["body"]>;
}

const renewEveryMs = 1_000;

/** Makes a host and begins to renew, to beat, and to take what it is ordered to. */
export function makeHost(ports: HostPorts, config: HostConfig): Host {
  return new GuildHost(ports, config);
}

class GuildHost implements Host {
  readonly stats = makeHostStats();
  readonly #ports: HostPorts;
  readonly #config: HostConfig;
  readonly #parts: HostParts;
  readonly #joins: Joins;
  readonly #fence: FenceCheck;
  readonly #handler: RequestHandler;
  readonly #timers: Disposable[];
  readonly #taking = new Set<string>();
  #shards: readonly Shard[] = [];
  #renewing = false;
  /** Whether the last renewal was answered: one that is not is told of once. */
  #reached = true;
  #disposed = false;

  constructor(ports: HostPorts, config: HostConfig) {
    const { journal, timers, bus, clock } = ports;
    const { limits } = config;
    const { stats } = this;
    this.#ports = ports;
    this.#config = config;
    this.#parts = {
      ports,
      config,
      stats,
      appender: makeAppender({ journal, timers, stats }),
      gate: makeJournalGate({ monotonicMs: () => clock.monotonicMs() }),
      beats: makeBeats(`${config.name}/${config.incarnation}`, bus),
      members: makeRecentPool(limits.cachedMembers),
      messages: makeRecentPool(limits.cachedMessages),
      openTopics: { max: limits.openTopics, size: 0 },
    };
    this.#joins = makeJoins({ clock, stats });
    this.#fence = makeFenceCheck({ monotonicMs: () => clock.monotonicMs(), check: () => this.#checkFences() });
    this.#handler = makeRequestHandler({
      ports,
      config,
      stats,
      joins: this.#joins,
      fence: this.#fence,
      shardOf: (topic) => this.#shardOf(topic),
      notOwner: (topic) => this.#notOwner(topic),
    });
    this.#timers = [
      timers.every(renewEveryMs, () => void this.#renew()),
      timers.every(beatEveryMs, () => this.#beat()),
    ];
    void this.#renew();
  }

  get serving(): boolean {
    return this.#shards.length > 0;
  }

  get shards(): readonly Shard[] {
    return this.#shards;
  }

  sizes(): { topics: number; members: number; messages: number } {
    const { openTopics, members, messages } = this.#parts;
    return { topics: openTopics.size, members: members.size, messages: messages.size };
  }

  handle(request: TopicRequest): Promise<TopicReply["body"]> {
    return this.#handler.handle(request);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const shard of this.#shards) shard.close(new GuildhallError("DRAINING", "the host stops"));
    this.#shards = [];
  }

  #shardOf(topic: bigint): Shard | undefined {
    const slot = slotOf(topic);
    return this.#shards.find(({ range }) => rangeContains(range, slot));
  }

  #beat(): void {
    this.#parts.beats.beat();
    for (const shard of this.#shards) shard.idle();
  }

  /** Tells the coordinator that the host lives and what it owns; takes what it is ordered to. */
  async #renew(): Promise<void> {
    if (this.#renewing || this.#disposed) return;
    this.#renewing = true;
    const { name: host, address, incarnation } = this.#config;
    const sentMs = this.#ports.clock.monotonicMs();
    try {
      const owned = this.#shards.map((shard) => shard.owned);
      const { ttlMs, orders } = await this.#ports.coordinator.renew({
        ...{ host, address, incarnation, owned, shards: [], outcomes: [] },
        ...{ cpuShare: 0, memoryBytes: 0n, journalP99Ms: 0, version: this.#config.version },
      });
      this.#fence.renewed(sentMs, ttlMs);
      this.#reached = true;
      for (const order of orders) void this.#carryOut(order);
    } catch (error) {
      // It goes on without: the journal decides who owns.
      if (this.#reached) this.#ports.reporter.warn("renewing with the coordinator failed, is tried on", { error });
      this.#reached = false;
    } finally {
      this.#renewing = false;
    }
  }

  async #carryOut(order: Order): Promise<void> {
    const { range } = order;
    if (range === undefined) return;
    const key = formatRange(range);
    if (this.#taking.has(key) || this.#shards.some((shard) => formatRange(shard.range) === key)) return;
    this.#taking.add(key);
    try {
      const taking = await takeRange(order, this.#ports.journal, this.#config);
      if (taking.taken) await this.#open(taking.owned);
      else this.#learn(taking.owner);
    } catch (error) {
      // The order comes again with the next renewal.
      this.#ports.reporter.warn("taking a range failed", { range: key, error });
    } finally {
      this.#taking.delete(key);
    }
  }

  async #open(owned: EpochRecord): Promise<void> {
    const shard = await openShard(owned, this.#parts, (lost, owner) => this.#lose(lost, owner));
    if (this.#disposed) return shard.close(new GuildhallError("DRAINING", "the host stops"));
    this.#shards = [...this.#shards, shard];
    const { name: host, address, incarnation } = this.#config;
    const { i, n } = shard.range;
    this.#ports.bus.opened([{ i, n, epoch: owned.epoch, host, address, incarnation }]);
    void this.#renew();
  }

  /** Drops a shard that another owns now; it is never taken again by the host's own decision. */
  #lose(shard: Shard, owner: EpochRecord | undefined): void {
    if (this.#shards.includes(shard)) this.stats.shardsLost++;
    this.#learn(owner);
    this.#shards = this.#shards.filter((each) => each !== shard);
    shard.close(new GuildhallError("NOT_OWNER", "another host owns the guild now"));
    this.#ports.reporter.warn("a shard was lost", { range: formatRange(shard.range), owner: owner?.host });
    void this.#renew();
  }

  /** Who is known to own what this host does not. */
  readonly #owners = new Map<string, EpochRecord>();

  #learn(owner: EpochRecord | undefined): void {
    if (owner?.range === undefined) return;
    const key = formatRange(owner.range);
    if ((this.#owners.get(key)?.epoch ?? 0) < owner.epoch) this.#owners.set(key, owner);
  }

  #notOwner(topic: bigint): NotOwner {
    const slot = slotOf(topic);
    const known = lastOf([...this.#owners.values()], { i: slot, n: 1 });
    const isSelf = known?.incarnation === this.#config.incarnation;
    if (known === undefined || isSelf) {
      return { slot, epoch: 0, host: "", address: "", range: undefined, incarnation: "" };
    }
    const { epoch, host, range, incarnation } = known;
    return { slot, epoch, host, address: "", range, incarnation };
  }

  /** Reads all EPOCHs and drops what another owns. */
  async #checkFences(): Promise<void> {
    this.stats.fenceChecks++;
    const records = await this.#ports.journal.readEpochs({ i: 0, n: 1 });
    for (const shard of this.#shards) {
      const last = lastOf(records, shard.range);
      if (last?.incarnation !== this.#config.incarnation || last.epoch !== shard.owned.epoch) this.#lose(shard, last);
    }
  }
}
