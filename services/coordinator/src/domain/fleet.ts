import { GuildhallError } from "@guildhall/errors";
import { type EpochRow, formatRange, splitRange } from "@guildhall/slots";
import { type Balancer, makeBalancer } from "./balancer.ts";
import { type Decisions, makeDecisions } from "./decisions.ts";
import { makeDrains } from "./drains.ts";
import { decideTakes, describeTakes, type Take } from "./failover.ts";
import { type HostKey, type Hosts, makeHosts, type Renewal } from "./hosts.ts";
import type { Keeper } from "./keeper.ts";
import type { FleetSpec, HostRow } from "./kept.ts";
import type { MapBook } from "./map-book.ts";
import { type Mover, makeMover } from "./mover.ts";
import { makeOrders, type OrderEnd, type Orders } from "./orders.ts";
import { makeOwnership, type Ownership, type Shard } from "./ownership.ts";
import { makeReshard, type Reshard } from "./reshard.ts";
import { initialSpec } from "./spec.ts";
import type { Clock } from "./time.ts";

/*
 * One shard, as the coordinator sees it, is
 *
 *   Lost       nobody owns it, or its owner does not renew: as soon as that is certain it is
 *   Ordered    a host was told to take it, and does not say yet that it serves it
 *   Serving    its owner says that it serves it
 *   Splitting  its owner was told to split it
 *   Moving     its owner was told to hand it over
 *
 * Nothing is ordered before the journal's EPOCH rows have been read. An order names the incarnation to take over from,
 * never an epoch: the journal decides. Each look at things (`steer`) ends what has ended, then orders what is due, in
 * this order: takes, drains, the reshard, balance.
 */

/** What the fleet is made of. */
export interface FleetParts {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly keeper: Keeper;
  readonly map: MapBook;
  /** What is to be before anybody applied a spec. */
  readonly shards: number;
  readonly hosts: readonly string[];
  /** How long load is measured before each decision on balance. */
  readonly windowMs: number;
  readonly onEnded: (end: OrderEnd) => void;
}

// A gap this much longer than between two looks means that the process was not running.
const sleptMs = 1_500;
// An owner that says it serves something else for this long has lost it.
const forsakenMs = 3_000;

/** Hosts, the shards they own and are to own, and the map of those they do. */
export class Fleet {
  readonly clock: Clock;
  readonly keeper: Keeper;
  readonly hosts: Hosts;
  readonly ownership: Ownership;
  readonly orders: Orders;
  readonly decisions: Decisions;
  readonly mover: Mover;
  readonly balancer: Balancer;
  readonly reshard: Reshard;
  readonly drains: ReturnType<typeof makeDrains>;
  readonly #map: MapBook;
  readonly #onEnded: (end: OrderEnd) => void;
  readonly #lacking = new Map<string, number>();
  #lookedAtMs: number;
  /** Monotonic: when the last reading of the journal that succeeded began, and when the first one ended. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #knownSinceMs: number | undefined;

  constructor({ clock, newId, keeper, map, shards, hosts, windowMs, onEnded }: FleetParts) {
    this.clock = clock;
    this.keeper = keeper;
    this.#map = map;
    this.#onEnded = onEnded;
    this.#lookedAtMs = clock.monotonicMs();
    if (keeper.get("spec") === undefined) {
      keeper.put("spec", "", initialSpec(shards, hosts));
      keeper.put("desire", "", { shards, declined: false, reshards: 0 });
    }
    this.hosts = makeHosts(clock, keeper.rows("host").values(), (row) => this.#keepHost(row));
    this.ownership = makeOwnership([...keeper.rows("entry").values()], (former, by) => {
      if (former.host === by.host && former.incarnation !== by.incarnation) this.hosts.replaced(former, by.incarnation);
    });
    const { ownership, hosts: known } = this;
    this.orders = makeOrders({ clock, newId, keeper, ownership, hosts: known });
    this.decisions = makeDecisions(keeper, clock);
    const shared = {
      clock,
      keeper,
      ownership,
      hosts: known,
      orders: this.orders,
      decisions: this.decisions,
      shards: () => this.shards(),
      spec: () => this.spec(),
      isDraining: (host: string) => this.isDraining(host),
      eligible: () => this.eligible(),
      weightOf: (key: string) => this.balancer.weightOf(key),
    };
    this.mover = makeMover(shared);
    this.balancer = makeBalancer({ ...shared, mover: this.mover, windowMs });
    this.drains = makeDrains({ ...shared, mover: this.mover });
    this.reshard = makeReshard({
      ...shared,
      mover: this.mover,
      shard: (range) => ownership.shard(range),
      hosts: () => this.eligible(),
      weightOf: ({ key }) => {
        const load = this.balancer.loadOf(key);
        const lowPart = load !== undefined && load.commandsPerS > 0 ? load.lowPart : 0;
        return { weight: this.balancer.weightOf(key), lowPart };
      },
      hindrance: () => this.hindrance(),
    });
  }

  /** Whether owners are known from the journal. */
  get known(): boolean {
    return this.#knownSinceMs !== undefined;
  }

  spec(): FleetSpec {
    return this.keeper.get("spec") ?? initialSpec(1, []);
  }

  shards(): readonly Shard[] {
    return this.ownership.shards(this.keeper.get("base")?.shards ?? this.spec().shards);
  }

  /** Whether a host is to be without shards: an operator said so, or the spec has it no more. */
  isDraining(host: string): boolean {
    return !this.spec().hosts.includes(host) || this.isDrained(host);
  }

  /** Whether an operator drains the incarnation that runs. */
  isDrained(host: string): boolean {
    const row = this.keeper.get("host", host);
    return row?.draining !== undefined && row.draining === row.incarnation;
  }

  /** Hosts that may have shards, there or not. */
  eligible(): readonly string[] {
    return this.spec().hosts.filter((host) => !this.isDrained(host));
  }

  /** Takes the last EPOCHs of all slots as the journal had them; `startedMs` (monotonic) is when the reading began. */
  learnEpochs(rows: readonly EpochRow[], startedMs: number): void {
    this.ownership.learn(rows);
    if (this.keeper.get("base") === undefined) {
      const shards = Math.min(this.spec().shards, ...rows.map(({ range }) => range.n));
      this.keeper.put("base", "", { shards });
    }
    this.#readAtMs = startedMs;
    this.#knownSinceMs ??= this.clock.monotonicMs();
    this.steer();
  }

  /** Whether something waits for the journal to be read. */
  wantsReading(): boolean {
    const dueSinceMs = [this.orders.wantsReadingSince(), ...this.#lackingSince()];
    return !this.known || dueSinceMs.some((sinceMs) => sinceMs !== undefined && this.#readAtMs < sinceMs);
  }

  /**
   * Takes a host's renewal. Throws GuildhallError FENCED for an incarnation that another one has replaced: it must not
   * believe that its lease holds.
   */
  renew(renewal: Renewal): void {
    const beforeMs = this.hosts.last(renewal.host)?.renewedAtMs ?? this.clock.monotonicMs();
    const said = this.hosts.renew(renewal);
    if (said === "refused") {
      throw new GuildhallError("FENCED", `another incarnation of ${renewal.host} came after this one`);
    }
    const hasLearned = this.ownership.learn(renewal.shards.map(({ row }) => row));
    this.balancer.hear(renewal, this.clock.monotonicMs() - beforeMs);
    this.#take(this.orders.hear(renewal.outcomes));
    for (const { cause, pauseMs } of this.orders.heardPauses()) {
      if (cause === "reshard" || cause === "undo") this.reshard.paused(pauseMs);
    }
    // The next tick would see to the rest as well; most renewals bring nothing new.
    if (said === "news" || hasLearned || renewal.outcomes.length > 0) this.steer();
  }

  /** Whether a renewed lease proves to this incarnation that nobody else has been told to take what it owns. */
  isTrusted(host: HostKey): boolean {
    return !this.orders.isContested(host, this.known);
  }

  /** A look at things as time passes. */
  tick(): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#lookedAtMs > sleptMs) this.hosts.slept();
    this.#lookedAtMs = nowMs;
    this.steer();
  }

  /** Why nothing may be moved or split voluntarily; empty = it may. */
  hindrance(): string {
    const { paused, hosts } = this.spec();
    if (!this.known) return "the journal's owners are not known yet";
    if (paused) return "spec.paused is set";
    const missing = hosts.find((host) => !this.isDrained(host) && this.hosts.current(host) === undefined);
    if (missing !== undefined) return `${missing} is not ready`;
    const versions = new Map(this.hosts.alive().map(({ host, version }) => [version, host]));
    if (versions.size > 1) {
      return `versions differ: ${[...versions].map(([version, host]) => `${host} ${version}`).join(", ")}`;
    }
    const unserved = this.shards().find((shard) => !this.#isServed(shard));
    if (unserved === undefined) return "";
    const owner = unserved.row?.host;
    return owner === undefined ? `nobody owns ${unserved.key}` : `${owner} does not serve ${unserved.key} now`;
  }

  /** Ends what has ended, and orders what is due. */
  steer(): void {
    if (this.known) {
      this.#take(this.orders.review(this.#readAtMs));
      this.#noteLacking();
      this.#failover();
      this.drains.steer();
      this.reshard.steer();
      this.balancer.steer(this.#balanceHindrance());
    }
    const moves = this.orders.open().filter(({ kind }) => kind === "move");
    this.#map.refresh(this.shards(), this.hosts, moves);
  }

  #balanceHindrance(): string {
    const { phase } = this.reshard.row() ?? {};
    return this.reshard.isUnderWay() ? `a reshard is ${phase}` : this.hindrance();
  }

  #isServed(shard: Shard): boolean {
    const order = this.orders.on(shard.range);
    if (order !== undefined && order.kind !== "take") return true;
    return shard.row !== undefined && this.hosts.isCurrent(shard.row) && this.hosts.serves(shard);
  }

  #failover(): void {
    const takes = decideTakes({
      shards: this.shards(),
      hosts: this.hosts,
      specHosts: this.spec().hosts,
      isDraining: (host) => this.isDraining(host),
      orderOn: ({ range }) => this.orders.on(range),
      orderAgeMs: (order) => this.orders.ageMs(order),
      weightOf: ({ key }) => this.balancer.weightOf(key),
      knownForMs: this.clock.monotonicMs() - (this.#knownSinceMs ?? Number.POSITIVE_INFINITY),
      isForsaken: ({ key }) => this.#isForsaken(key),
    });
    for (const take of takes) this.#orderTake(take);
    for (const { subject, action, reason } of describeTakes(takes)) this.decisions.note(subject, action, reason);
  }

  #orderTake({ shard: { range, row }, to, cause, reason }: Take): void {
    const former = this.orders.on(range);
    if (former !== undefined && former.kind !== "take") {
      const end = this.orders.lose(former, reason);
      if (end !== undefined) this.#take([end]);
    }
    this.orders.give({
      kind: "take",
      cause,
      range,
      fromHost: row?.host ?? "",
      fromIncarnation: row?.incarnation ?? "",
      epoch: row?.epoch ?? 0,
      toHost: to.host,
      toIncarnation: to.incarnation,
      toAddress: to.address,
      reason,
    });
  }

  #take(ends: readonly OrderEnd[]): void {
    for (const end of ends) {
      const { order, state, reason } = end;
      const key = formatRange(order.range);
      this.#onEnded(end);
      this.mover.ended(end);
      this.reshard.ended(end);
      this.balancer.wake();
      if (order.kind === "take") continue;
      if (order.kind === "split" && state === "Done") {
        const [low, high] = splitRange(order.range);
        this.balancer.divided(key, formatRange(low), formatRange(high));
      }
      const what = order.kind === "split" ? "" : ` ${order.fromHost} → ${order.toHost}`;
      this.decisions.note(`${order.kind} ${key}`, `${state}${what}`, reason || order.reason);
    }
  }

  /** Notes since when shards are not served by owners that live, with no order out that would explain it. */
  #noteLacking(): void {
    for (const shard of this.shards()) {
      const { key, row } = shard;
      const isLacking = row !== undefined && this.hosts.isCurrent(row) && !this.hosts.serves(shard);
      if (!isLacking || this.orders.on(shard.range) !== undefined) this.#lacking.delete(key);
      else if (!this.#lacking.has(key)) this.#lacking.set(key, this.clock.monotonicMs());
    }
    if (this.#lacking.size === 0) return;
    const keys = new Set(this.shards().map(({ key }) => key));
    for (const key of this.#lacking.keys()) if (!keys.has(key)) this.#lacking.delete(key);
  }

  #lackingSince(): number[] {
    const nowMs = this.clock.monotonicMs();
    return [...this.#lacking.values()].map((sinceMs) => sinceMs + forsakenMs).filter((dueMs) => dueMs <= nowMs);
  }

  #isForsaken(key: string): boolean {
    const sinceMs = this.#lacking.get(key);
    return sinceMs !== undefined && this.#readAtMs >= sinceMs + forsakenMs;
  }

  #keepHost(row: Pick<HostRow, "name" | "incarnation" | "replaced">): void {
    const before = this.keeper.get("host", row.name);
    // A drain is of one incarnation.
    const { draining } = before ?? {};
    const still = draining === row.incarnation ? { draining } : {};
    this.keeper.put("host", row.name, { ...row, ...still });
  }
}
