import { GuildhallError } from "@guildhall/errors";
import type {
  EpochRecord,
  HandoffOutcome,
  HandoffReply,
  HandoffRequest,
  Order,
  TopicReply,
  TopicRequest,
} from "@guildhall/proto";
import { formatRange } from "@guildhall/slots";
import type { HandoffKind, HostPorts } from "../ports.ts";
import { makeJoins } from "../read/answer-join.ts";
import { makeAppender } from "./appender.ts";
import { beatEveryMs, makeBeats } from "./beats.ts";
import { type FenceCheck, makeFenceCheck } from "./fence-check.ts";
import type { HandoffOrder } from "./handoff-outcome.ts";
import { type HandoffReceiver, makeHandoffReceiver } from "./handoff-receiver.ts";
import type { HostConfig } from "./host-config.ts";
import { allHostGuards, type HostGuards } from "./host-guards.ts";
import type { HostParts } from "./host-parts.ts";
import { type HostStats, makeHostStats } from "./host-stats.ts";
import { makeJournalGate } from "./journal-gate.ts";
import { makeJournalLatency } from "./journal-latency.ts";
import { loadShard } from "./load-shard.ts";
import { makeOrders } from "./orders.ts";
import { makeOwners, type Owners } from "./owners.ts";
import { makeRecentPool } from "./recent.ts";
import { makeRenewals, type Renewals } from "./renewals.ts";
import { makeRequestHandler, type RequestHandler } from "./request-handler.ts";
import { makeSealer } from "./sealer.ts";
import { makeShard, type Shard } from "./shard.ts";
import { makeShardTable } from "./shard-table.ts";
import { lastOf, takeRange } from "./take-range.ts";
import { makeTraceRing } from "./trace-ring.ts";

/*
 * States of a range on a host:
 *
 *   (none) ──order──▶ taking ──taken──▶ loading ──loaded──▶ serving ──fenced, found lost──▶ (none)
 *     ▲                 └──refused, failed──▶ (none)         ▲ │ │
 *     │                                                      │ │ └──split, moved, taken anew──▶ sealed ──lost, moved──▶ (none)
 *     └── received from its owner ───────────────────────────┘ │                                  │
 *                                                              └─────── here, at e + 1 ◀──────────┘
 */

/** A host of guilds. */
export interface Host extends Disposable {
  readonly stats: HostStats;
  /** Whether it serves anything. */
  readonly serving: boolean;
  /** Whether it serves, or is there for when it is needed. */
  readonly ready: boolean;
  readonly shards: readonly Shard[];
  /** How much is held, for metrics. */
  sizes(): HostSizes;
  /** Answers a request about a topic. */
  handle(request: TopicRequest): Promise<TopicReply["body"]>;
  /** Answers another host, or a tool. */
  handoff(request: HandoffRequest): Promise<HandoffReply["body"]>;
}

/** How much a host holds. */
export interface HostSizes {
  readonly topics: number;
  readonly members: number;
  readonly messages: number;
  /** Shards that are sealed. */
  readonly sealed: number;
  /** Shards that are on their way here. */
  readonly coming: number;
}

// A host that the coordinator has known for so long, and given nothing, is not meant to have anything now.
const spareAfterMs = 5_000;

/** Makes a host and begins to renew, to beat, and to carry out what it is ordered. */
export function makeHost(ports: HostPorts, config: HostConfig, guards: HostGuards = allHostGuards): Host {
  return new GuildHost(ports, config, guards);
}

class GuildHost implements Host {
  readonly stats = makeHostStats();
  readonly #ports: HostPorts;
  readonly #config: HostConfig;
  readonly #parts: HostParts;
  readonly #table = makeShardTable();
  readonly #owners: Owners;
  readonly #fence: FenceCheck;
  readonly #handler: RequestHandler;
  readonly #receiver: HandoffReceiver;
  readonly #renewals: Renewals;
  readonly #beating: Disposable;
  #disposed = false;

  constructor(ports: HostPorts, config: HostConfig, guards: HostGuards) {
    const { clock, timers } = ports;
    const monotonicMs = (): number => clock.monotonicMs();
    this.#ports = ports;
    this.#config = config;
    this.#parts = this.#makeParts(guards);
    this.#owners = makeOwners(ports.ownerMap, config);
    this.#fence = makeFenceCheck({ monotonicMs, check: () => this.#checkFences(), guards });
    this.#handler = makeRequestHandler({
      ...{ ports, config, stats: this.stats, fence: this.#fence, shards: this.#table, sealed: this.#parts.sealed },
      joins: makeJoins({ clock, stats: this.stats }),
      notOwner: (topic) => this.#owners.notOwner(topic),
    });
    this.#receiver = makeHandoffReceiver({
      ...{ parts: this.#parts, shards: this.#table },
      received: (shard) => this.#served([], [shard]),
    });
    const changes = {
      served: (gone: readonly Shard[], come: readonly Shard[]) => this.#served(gone, come),
      given: (shard: Shard, owner: EpochRecord, address: string | undefined) => this.#give(shard, owner, address),
      lost: (shard: Shard, owner: EpochRecord | undefined) => this.#lose(shard, owner),
    };
    const orders = makeOrders({
      ...{ incarnation: config.incarnation, shards: this.#table, reporter: ports.reporter },
      tools: { parts: this.#parts, sealer: makeSealer(this.#parts), changes },
      take: (order) => this.#take(order),
      checkFences: () => this.#checkFences(),
      ended: (kind, outcome) => this.#ended(kind, outcome),
    });
    this.#renewals = makeRenewals({
      ...{ ports, config, shards: this.#table, latency: this.#parts.latency, fence: this.#fence },
      carryOut: (list) => {
        for (const { toIncarnation, toAddress } of list) this.#owners.hint(toIncarnation, toAddress);
        orders.carryOut(list);
      },
    });
    this.#beating = timers.every(beatEveryMs, () => this.#beat());
  }

  #makeParts(guards: HostGuards): HostParts {
    const ports = this.#ports;
    const config = this.#config;
    const { journal, timers, bus, clock } = ports;
    const { limits } = config;
    const { stats } = this;
    const monotonicMs = (): number => clock.monotonicMs();
    const latency = makeJournalLatency({ monotonicMs });
    const source = `${config.name}/${config.incarnation}`;
    return {
      ...{ ports, config, guards, stats, latency },
      appender: makeAppender({ journal, timers, monotonicMs, latency, stats }),
      gate: makeJournalGate({ monotonicMs }),
      beats: makeBeats({ source, bus, owns: (topic) => this.#owns(topic), guards }),
      members: makeRecentPool(limits.cachedMembers),
      messages: makeRecentPool(limits.cachedMessages),
      openTopics: { max: limits.openTopics, size: 0 },
      sealed: { count: 0 },
      trace: makeTraceRing({ clock, process: config.name, max: limits.tracedMessages }),
      purging: new Set(),
      confirm: (topic) => this.#table.of(topic)?.seal.whenOver() ?? this.#fence.confirm(),
      lost: (shard, owner) => {
        // What another host has taken while it was changing hands is where it was to go.
        if (shard.seal.isSealed && owner !== undefined) this.#give(shard, owner, undefined);
        else this.#lose(shard, owner);
      },
    };
  }

  get serving(): boolean {
    return this.#table.all.length > 0;
  }

  get ready(): boolean {
    return this.serving || this.#renewals.knownForMs >= spareAfterMs;
  }

  get shards(): readonly Shard[] {
    return this.#table.all;
  }

  sizes(): HostSizes {
    const { openTopics, members, messages, sealed } = this.#parts;
    const held = { topics: openTopics.size, members: members.size, messages: messages.size };
    return { ...held, sealed: sealed.count, coming: this.#receiver.size };
  }

  handle(request: TopicRequest): Promise<TopicReply["body"]> {
    return this.#handler.handle(request);
  }

  async handoff({ body }: HandoffRequest): Promise<HandoffReply["body"]> {
    switch (body?.$case) {
      case "begin":
        return { $case: "begin", value: await this.#receiver.begin(body.value) };
      case "copy":
        return { $case: "copy", value: this.#receiver.copy(body.value) };
      case "commit":
        return { $case: "commit", value: await this.#receiver.commit(body.value) };
      case "abandon":
        this.#receiver.abandon(body.value.moveId);
        return { $case: "abandon", value: {} };
      case "trace":
        return { $case: "trace", value: this.#parts.trace.find(body.value.messageId) };
      case undefined:
        throw new GuildhallError("INVALID_FORM", "a request without a body");
      default:
        return body satisfies never;
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#renewals[Symbol.dispose]();
    this.#beating[Symbol.dispose]();
    const gone = this.#table.all;
    this.#table.replace(gone, []);
    for (const shard of gone) shard.close(new GuildhallError("DRAINING", "the host stops"));
  }

  #owns(topic: bigint): "yes" | "no" | "unsure" {
    const shard = this.#table.of(topic);
    if (shard === undefined) return "no";
    return shard.seal.isSealed ? "unsure" : "yes";
  }

  #beat(): void {
    this.#parts.beats.beat();
    for (const shard of this.#table.all) shard.idle();
  }

  async #take(order: Order & HandoffOrder): Promise<void> {
    const taking = await takeRange(order, this.#ports.journal, this.#config);
    if (!taking.taken) {
      this.#owners.learn(taking.owner);
      throw new GuildhallError("NOT_OWNER", `${taking.owner?.host ?? "nobody"} owns the range`);
    }
    const beginning = await loadShard(order.range, this.#parts);
    // It may have come in another way meanwhile.
    if (this.#disposed || this.#table.overlaps(order.range)) return;
    this.#served([], [makeShard({ ...beginning, row: taking.row }, this.#parts)]);
  }

  /** Shards serve, in the place of others, or by a later EPOCH. */
  #served(gone: readonly Shard[], come: readonly Shard[]): void {
    if (this.#disposed) {
      for (const shard of come) shard.close(new GuildhallError("DRAINING", "the host stops"));
      return;
    }
    this.#table.replace([...gone, ...come], come);
    const { name: host, address, incarnation } = this.#config;
    this.#ports.bus.opened(come.map(({ range, row }) => ({ ...range, epoch: row.epoch, host, address, incarnation })));
    for (const { range, row } of come) this.#owners.learn({ ...row, range }, address);
    this.#renewals.renew();
  }

  /** Something that was ordered has ended, in one way or another. */
  #ended(kind: HandoffKind, outcome: HandoffOutcome): void {
    const { range, moveId, reason, pauseMs } = outcome;
    this.#ports.reporter.handoffEnded(kind, outcome);
    if (range !== undefined && pauseMs > 0) {
      const untilMs = this.#ports.clock.monotonicMs();
      const detail = reason === "" ? `${kind} ${moveId}` : `${kind} ${moveId}: ${reason}`;
      this.#parts.trace.handedOver({ range, sinceMs: untilMs - pauseMs, untilMs, detail });
    }
    // Ranges that are taken anew are told of by what is served.
    if (kind !== "retake") this.#renewals.ended(outcome);
  }

  /** Lets a shard go that another host has taken as it was meant to. */
  #give(shard: Shard, owner: EpochRecord, address: string | undefined): void {
    this.#owners.learn(owner, address);
    if (this.#drop(shard, owner)) this.stats.shardsGiven++;
  }

  /** Drops a shard that another owns now; it is never taken again by the host's own decision. */
  #lose(shard: Shard, owner: EpochRecord | undefined): void {
    this.#owners.learn(owner);
    if (!this.#drop(shard, owner)) return;
    this.stats.shardsLost++;
    this.#ports.reporter.warn("a shard was lost", { range: formatRange(shard.range), owner: owner?.host });
  }

  #drop(shard: Shard, owner: EpochRecord | undefined): boolean {
    if (shard.isClosed) return false;
    this.#table.replace([shard], []);
    shard.close(new GuildhallError("NOT_OWNER", "another host owns the guild now"), owner);
    this.#renewals.renew();
    return true;
  }

  /** Reads all EPOCHs and drops what another owns. */
  async #checkFences(): Promise<void> {
    this.stats.fenceChecks++;
    const records = await this.#ports.journal.readEpochs({ i: 0, n: 1 });
    for (const shard of this.#table.all) {
      // What a sealed one has come to is found out where it was sealed.
      if (shard.seal.isSealed) continue;
      const last = lastOf(records, shard.range);
      // A lower one is from before this host took the range.
      if (last !== undefined && last.epoch > shard.row.epoch) this.#lose(shard, last);
    }
  }
}
