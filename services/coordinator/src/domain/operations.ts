import { GuildhallError } from "@guildhall/errors";
import { formatRange, type ShardRange } from "@guildhall/slots";
import type { Fleet } from "./fleet.ts";
import type { FleetSpec, PlannedMove, ReshardPlan } from "./kept.ts";
import { doublingOf } from "./reshard-plan.ts";
import { checkSpec, refuseSpec } from "./spec.ts";

/** What an operator does to a reshard. */
export type ReshardVerb =
  | { readonly verb: "apply"; readonly to: number }
  | { readonly verb: "approve"; readonly hash: string }
  | { readonly verb: "pause" | "resume" | "cancel" | "undo" };

/** How many topics each shard has when there are `n`. */
export type TopicSource = (n: number) => Promise<readonly number[]>;

/** What operators and appliers do to the fleet. Those that cannot be done now throw GuildhallError REFUSED, and why. */
export interface Operations {
  /** Makes this the spec. Throws BAD_SPEC, with nothing changed, for one that cannot be. Returns hosts that may be stopped. */
  applySpec(spec: FleetSpec): readonly string[];
  planReshard(to: number): Promise<ReshardPlan>;
  /** With `dryRun` only checks whether it could be done. */
  driveReshard(verb: ReshardVerb, dryRun: boolean): Promise<void>;
  moveShard(range: ShardRange, toHost: string, dryRun: boolean): { readonly moveId: string; readonly fromHost: string };
  rebalance(dryRun: boolean): { readonly moves: readonly PlannedMove[]; readonly reason: string };
  /** Returns how many shards are left to go. */
  drainHost(host: string, change: "drain" | "cancel" | "none"): number;
}

/** Makes them. */
export function makeOperations(fleet: Fleet, countTopics: TopicSource): Operations {
  return new FleetOperations(fleet, countTopics);
}

/** Throws GuildhallError REFUSED unless there is no reason to. */
function refuseFor(reason: string | undefined): void {
  if (reason !== undefined && reason !== "") throw new GuildhallError("REFUSED", reason);
}

class FleetOperations implements Operations {
  readonly #fleet: Fleet;
  readonly #countTopics: TopicSource;

  constructor(fleet: Fleet, countTopics: TopicSource) {
    this.#fleet = fleet;
    this.#countTopics = countTopics;
  }

  applySpec(spec: FleetSpec): readonly string[] {
    checkSpec(spec);
    const problem = numberProblem(this.#fleet, spec.shards);
    if (problem !== "") refuseSpec("shards", problem);
    takeSpec(this.#fleet, spec);
    return this.#fleet.drains.removable();
  }

  async planReshard(to: number): Promise<ReshardPlan> {
    return plannedFor(this.#fleet, to) ?? this.#draft(to);
  }

  async driveReshard(verb: ReshardVerb, dryRun: boolean): Promise<void> {
    const { reshard } = this.#fleet;
    if (verb.verb === "apply") await this.#apply(verb.to, dryRun);
    else if (verb.verb === "approve") await this.#approve(verb.hash, dryRun);
    else {
      refuseFor(reshard.verbRefusal(verb.verb));
      if (!dryRun) reshard.carryOut(verb.verb);
    }
    this.#fleet.steer();
  }

  moveShard(range: ShardRange, toHost: string, dryRun: boolean): { moveId: string; fromHost: string } {
    const { mover, ownership, decisions } = this.#fleet;
    refuseFor(this.#fleet.spec().paused ? "spec.paused is set" : mover.moveHindrance(range, toHost)?.reason);
    const fromHost = ownership.shard(range)?.row?.host ?? "";
    if (dryRun) return { moveId: "", fromHost };
    const { moveId, reason } = mover.move(range, toHost, "manual", "an operator moves it");
    decisions.note(`move ${formatRange(range)}`, `move ${fromHost} → ${toHost}`, reason);
    this.#fleet.steer();
    return { moveId, fromHost };
  }

  rebalance(dryRun: boolean): { moves: readonly PlannedMove[]; reason: string } {
    const { reshard, balancer } = this.#fleet;
    refuseFor(reshard.isUnderWay() ? `a reshard is ${reshard.row()?.phase}` : this.#fleet.hindrance());
    const { plan, reason } = balancer.ask(dryRun, "");
    if (!dryRun) this.#fleet.steer();
    return { moves: plan, reason };
  }

  drainHost(host: string, change: "drain" | "cancel" | "none"): number {
    return drainHost(this.#fleet, host, change);
  }

  async #draft(to: number): Promise<ReshardPlan> {
    const { reshard } = this.#fleet;
    refuseFor(reshard.refusal(to));
    return reshard.draft(to, await this.#countTopics(to));
  }

  async #apply(to: number, dryRun: boolean): Promise<void> {
    const { reshard } = this.#fleet;
    refuseFor(reshard.isUnderWay() ? `a reshard is ${reshard.row()?.phase}` : reshard.refusal(to));
    const topics = await this.#countTopics(to);
    if (dryRun) return;
    reshard.want(to);
    reshard.plan(topics);
  }

  async #approve(hash: string, dryRun: boolean): Promise<void> {
    const { reshard } = this.#fleet;
    // Another coordinator may have shown the plan: it is the same for the same fleet.
    const isUnknown = !reshard.isUnderWay() && reshard.approvalRefusal(hash) !== "";
    if (isUnknown) await this.#draft(doublingOf(this.#fleet.shards()).to);
    refuseFor(reshard.approvalRefusal(hash));
    if (!dryRun) reshard.approve(hash);
  }
}

/** Why a spec cannot have this number of shards; empty = it can. */
function numberProblem(fleet: Fleet, shards: number): string {
  const wanted = fleet.spec().shards;
  const all = fleet.shards();
  const row = fleet.reshard.row();
  const isRunning = row !== undefined && (row.phase === "Splitting" || row.phase === "Moving");
  if (shards === wanted || shards === all.length || !fleet.known) return "";
  const { from, to } = doublingOf(all);
  if (isRunning)
    return shards === row.to ? "" : `must stay ${wanted}: a reshard ${row.from} → ${row.to} is ${row.phase}`;
  return shards === to ? "" : `must be ${from} (as many as serve) or ${to} (twice as many), not ${shards}`;
}

function takeSpec(fleet: Fleet, spec: FleetSpec): void {
  const { keeper, reshard, decisions } = fleet;
  const before = fleet.spec();
  if (JSON.stringify(before) !== JSON.stringify(spec)) {
    keeper.put("spec", "", spec);
    const changed = (Object.keys(spec) as (keyof FleetSpec)[]).filter(
      (name) => JSON.stringify(before[name]) !== JSON.stringify(spec[name]),
    );
    decisions.note("spec", `changed ${changed.join(", ")}`, "it was applied");
    for (const name of [...before.hosts, ...spec.hosts]) {
      if (keeper.get("host", name) === undefined) keeper.put("host", name, { name, incarnation: "", replaced: [] });
    }
    if (before.shards !== spec.shards) reshard.want(spec.shards);
  }
  fleet.steer();
}

/** The plan that waits, when it is for this number and still what would be done. */
function plannedFor({ reshard, keeper }: Fleet, to: number): ReshardPlan | undefined {
  const row = reshard.row();
  return row?.phase === "Planned" && row.to === to && reshard.wantsPlan() === undefined
    ? keeper.get("plan")
    : undefined;
}

function drainHost(fleet: Fleet, host: string, change: "drain" | "cancel" | "none"): number {
  const { keeper, drains, decisions } = fleet;
  const row = keeper.get("host", host);
  if (row === undefined || (row.incarnation === "" && change === "drain")) {
    if (change !== "drain") return drains.shardsOf(host);
    throw new GuildhallError("REFUSED", `${host} is not a host that was ever there`);
  }
  const { draining: _, ...rest } = row;
  if (change === "drain" && !fleet.isDrained(host)) {
    keeper.put("host", host, { ...rest, draining: row.incarnation });
    decisions.note(`host ${host}`, "drain", "an operator did");
  }
  if (change === "cancel" && row.draining !== undefined) {
    keeper.put("host", host, rest);
    decisions.note(`host ${host}`, "drain no more", "an operator did");
  }
  if (change !== "none") fleet.steer();
  return drains.shardsOf(host);
}
