import { GuildhallError } from "@guildhall/errors";
import { type EpochRow, formatRange, splitRange } from "@guildhall/slots";
import type { Coordinator, OrderRow, Renewal } from "../src/pure.ts";
import type { Journal } from "./journal.ts";

/** What a host sees of its fleet. */
export interface HostWorld {
  readonly journal: Journal;
  readonly hosts: ReadonlyMap<string, TestHost>;
  readonly coordinator: Coordinator | undefined;
}

/** A host that does what it is ordered to; `deaf` renews and carries nothing out, `refuses` answers moves and splits so. */
export class TestHost {
  readonly name: string;
  readonly incarnation: string;
  readonly owned = new Map<string, EpochRow>();
  readonly got: OrderRow[] = [];
  readonly #world: HostWorld;
  readonly #done = new Set<string>();
  readonly #seen = new Set<string>();
  #outcomes: Renewal["outcomes"][number][] = [];
  #late: Renewal["outcomes"][number][] = [];
  alive = true;
  /** It does not run, and goes on where it was later. */
  asleep = false;
  deaf = false;
  /** It says what it serves after a split before it says how the split went. */
  tellsLate = false;
  answers: "done" | "taken back" | "refused" | "silent" = "done";
  /** Of moves alone, when it is another answer. */
  movesAnswer: "done" | "refused" | "one, then refused" = "done";
  version = "1";
  journalP99Ms = 1;
  loadOf: (key: string) => number = () => 0;
  ttlMs: number | undefined;

  constructor(world: HostWorld, name: string, incarnation: string) {
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
      journalP99Ms: this.journalP99Ms,
      version: this.version,
    };
  }

  async renew(): Promise<void> {
    if (!this.alive || this.asleep || this.#world.coordinator === undefined) return;
    const said = this.#outcomes;
    try {
      const { orders, ttlMs } = await this.#world.coordinator.renewHost(this.renewal());
      this.ttlMs = ttlMs;
      this.#outcomes = [...this.#outcomes.filter((outcome) => !said.includes(outcome)), ...this.#late];
      this.#late = [];
      const isNews = orders.filter((order) => this.carryOut(order)).length > 0;
      if (isNews) await this.renew();
    } catch (error) {
      this.ttlMs = undefined;
      if (!(error instanceof GuildhallError)) throw error;
    }
  }

  /** Carries out, when it comes again, what it did not before. */
  forget(moveId: string): void {
    this.#done.delete(moveId);
  }

  /** Answers again, also what it was silent about. */
  awake(): void {
    this.answers = "done";
    this.#done.clear();
  }

  carryOut(order: OrderRow): boolean {
    if (!this.#seen.has(order.moveId)) this.got.push(order);
    this.#seen.add(order.moveId);
    if (this.deaf || !this.alive || this.#done.has(order.moveId)) return false;
    this.#done.add(order.moveId);
    if (order.kind === "take") return this.#take(order);
    const { moveId } = order;
    if (this.answers === "silent") return false;
    const refusesMoves = this.movesAnswer === "refused" && order.kind === "move";
    if (order.kind === "move" && this.movesAnswer === "one, then refused") this.movesAnswer = "refused";
    if (this.answers === "refused" || refusesMoves) {
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
    (this.tellsLate ? this.#late : this.#outcomes).push({ moveId, result: "done", reason: "", pauseMs: 7 });
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

function rangeOf(key: string): { i: number; n: number } {
  const [i = 0, n = 1] = key.split("/").map(Number);
  return { i, n };
}
