import type { DesireRow, ReshardPhase, ReshardPlan, ReshardRow } from "./kept.ts";
import type { OrderEnd } from "./orders.ts";
import { doublingOf, type PlanInput, planReshard, structureOf } from "./reshard-plan.ts";
import { makeReshardWork, type ReshardParts, type ReshardWork } from "./reshard-work.ts";

/*
 * A reshard doubles the number of shards:
 *
 *   (none) ──another number wanted, apply──▶ Planned ──approved, fleet healthy──▶ Splitting ──all split──▶ Moving
 *      ▲                                       │  ▲                                 │                       │
 *      │                                    cancel └─the fleet changed: planned     cancel: the rest is     ├─all moved─▶ Completed
 *      │                                       │      anew, to be approved anew     split, nothing moves    │
 *      │                                       ▼                                    ▼                       ├─cancel, nothing moved yet─▶ Cancelled
 *      │                                   Cancelled ◀──────────────────────────────┘                       └─undo─▶ Moving back ─▶ Undone
 *      └── Completed, Cancelled and Undone are ends; Completed can still be undone
 *
 * Paused, in any phase: nothing is begun. After Cancelled and Undone nothing is planned until another number is wanted
 * or a plan with a new hash is approved. What runs when a host fails waits until its shards are served again.
 */

/** Doubles the number of shards, as operators want it. */
export interface Reshard {
  /** The one that runs, or the last one; undefined = none ever. */
  row(): ReshardRow | undefined;
  desire(): DesireRow;
  /** Whether one is planned or under way: other voluntary moves wait. */
  isUnderWay(): boolean;
  /** The number of shards that a plan has to be made for now; the topics of each are then handed to `plan`. */
  wantsPlan(): number | undefined;
  /** Makes the plan for doubling to `to`, and keeps it in mind for its approval. */
  draft(to: number, topics: readonly number[]): ReshardPlan;
  /** Plans the doubling that is wanted. */
  plan(topics: readonly number[]): void;
  /** Why a doubling to `to` is not possible now; empty = it is. */
  refusal(to: number): string;
  want(shards: number): void;
  /** Why an approval of this hash cannot be given; empty = it can. */
  approvalRefusal(hash: string): string;
  approve(hash: string): void;
  /** Why a verb cannot be carried out now; empty = it can. */
  verbRefusal(verb: "pause" | "resume" | "cancel" | "undo"): string;
  carryOut(verb: "pause" | "resume" | "cancel" | "undo"): void;
  /** How many of the shards to be split are. */
  splitCount(): number;
  ended(end: OrderEnd): void;
  /** One of its moves took this long. */
  paused(pauseMs: number): void;
  /** Begins what can be begun now. */
  steer(): void;
}

/** Makes the reshard from what was kept. */
export function makeReshard(parts: ReshardParts): Reshard {
  return new KeptReshard(parts);
}

const isRunning = (phase: ReshardPhase | undefined): boolean => phase === "Splitting" || phase === "Moving";

class KeptReshard implements Reshard {
  readonly #parts: ReshardParts;
  readonly #work: ReshardWork;
  #drafted: { readonly plan: ReshardPlan; readonly structure: string } | undefined;

  constructor(parts: ReshardParts) {
    this.#parts = parts;
    this.#work = makeReshardWork(parts, (changes) => this.#change(changes));
  }

  row(): ReshardRow | undefined {
    return this.#parts.keeper.get("reshard");
  }

  desire(): DesireRow {
    const { keeper, spec } = this.#parts;
    return keeper.get("desire") ?? { shards: spec().shards, declined: false, reshards: 0 };
  }

  isUnderWay(): boolean {
    const phase = this.row()?.phase;
    return phase === "Planned" || isRunning(phase);
  }

  wantsPlan(): number | undefined {
    const { shards: wanted, declined } = this.desire();
    const row = this.row();
    const { to } = doublingOf(this.#parts.shards());
    if (row?.phase === "Planned") return this.#isPlanCurrent() ? undefined : row.to;
    if (isRunning(row?.phase) || declined || wanted !== to) return undefined;
    return this.#parts.hindrance() === "" ? to : undefined;
  }

  draft(to: number, topics: readonly number[]): ReshardPlan {
    const input = this.#planInput(to, topics);
    const plan = planReshard(input);
    this.#drafted = { plan, structure: structureOf(input) };
    return plan;
  }

  plan(topics: readonly number[]): void {
    const to = this.wantsPlan();
    if (to === undefined) return;
    const plan = planReshard(this.#planInput(to, topics));
    const { spec, decisions } = this.#parts;
    const approved = !spec().approvalRequired;
    this.#begin(plan, approved);
    const next = approved ? "it needs no approval" : `it waits for the approval of ${plan.hash}`;
    decisions.note("reshard", `planned ${plan.from} → ${plan.to}`, next);
  }

  refusal(to: number): string {
    const row = this.row();
    if (isRunning(row?.phase)) return `a reshard ${row?.from} → ${row?.to} is under way (${row?.phase})`;
    const possible = doublingOf(this.#parts.shards());
    if (to !== possible.to) return `${to} is not a doubling: ${possible.from} shards can only become ${possible.to}`;
    return this.#parts.hindrance();
  }

  want(shards: number): void {
    const before = this.desire();
    if (before.shards === shards && !before.declined) return;
    this.#parts.keeper.put("desire", "", { ...before, shards, declined: false });
    const row = this.row();
    if (row?.phase === "Planned" && row.to !== shards) this.#end("Cancelled", `${shards} shards are wanted now`);
  }

  approvalRefusal(hash: string): string {
    const row = this.row();
    if (row !== undefined && isRunning(row.phase)) {
      return row.planHash === hash ? "" : `a reshard ${row.from} → ${row.to} is under way (${row.phase})`;
    }
    if (row?.phase === "Planned") {
      if (!this.#isPlanCurrent()) return "the fleet has changed: it is planned anew";
      return row.planHash === hash ? "" : `the plan's hash is ${row.planHash}, not ${hash}`;
    }
    const drafted = this.#drafted;
    if (drafted?.plan.hash !== hash) return `there is no plan with the hash ${hash}: see what would be planned now`;
    const { to } = drafted.plan;
    if (structureOf(this.#planInput(to, [])) !== drafted.structure) return "the fleet has changed since: plan it anew";
    return this.refusal(to);
  }

  approve(hash: string): void {
    const { keeper, decisions } = this.#parts;
    const phase = this.row()?.phase;
    if (isRunning(phase) || (phase === "Planned" && this.row()?.approved)) return;
    if (phase === "Planned") this.#change({ approved: true, message: "" });
    else if (this.#drafted !== undefined) {
      const { plan } = this.#drafted;
      keeper.put("desire", "", { ...this.desire(), shards: plan.to, declined: false });
      this.#begin(plan, true);
    }
    decisions.note("reshard", `approved ${hash}`, "an operator did");
  }

  verbRefusal(verb: "pause" | "resume" | "cancel" | "undo"): string {
    const row = this.row();
    if (verb === "undo") {
      if (row?.phase === "Moving" || row?.phase === "Completed") return "";
      return row?.phase === "Splitting" ? "nothing has moved: cancel it instead" : "there is no reshard to undo";
    }
    if (row === undefined || !this.isUnderWay()) return "no reshard is under way";
    if (verb !== "cancel") return "";
    if (row.undoing) return "it is being undone";
    const hasMoved = row.phase === "Moving" && (row.moved > 0 || this.#work.running() > 0);
    return hasMoved ? "a shard has moved already: undo it instead" : "";
  }

  carryOut(verb: "pause" | "resume" | "cancel" | "undo"): void {
    const row = this.row();
    if (row === undefined) return;
    this.#parts.decisions.note("reshard", verb, "an operator did");
    if (verb === "pause" || verb === "resume") this.#change({ paused: verb === "pause" });
    else if (verb === "undo") this.#undo(row);
    else if (row.phase !== "Splitting") this.#end("Cancelled", "an operator cancelled it");
    else
      this.#change({
        cancelling: true,
        paused: false,
        message: "cancelled: the rest is split in place, nothing moves",
      });
  }

  splitCount(): number {
    const row = this.row();
    const plan = this.#parts.keeper.get("plan");
    if (row === undefined || plan === undefined) return 0;
    const left = this.#parts.shards().filter(({ range }) => range.n < row.to).length;
    return Math.max(0, plan.splits.length - (row.phase === "Planned" ? plan.splits.length : left));
  }

  ended(end: OrderEnd): void {
    const row = this.row();
    if (row !== undefined) this.#work.ended(row, end);
  }

  paused(pauseMs: number): void {
    if (pauseMs > (this.row()?.worstPauseMs ?? Number.POSITIVE_INFINITY)) this.#change({ worstPauseMs: pauseMs });
  }

  steer(): void {
    const row = this.row();
    if (row === undefined || !this.isUnderWay()) return;
    if (row.phase === "Planned" && !row.approved && !this.#parts.spec().approvalRequired)
      this.#change({ approved: true });
    const hindrance = this.#hindrance();
    if (hindrance !== "") {
      this.#say(hindrance);
      return;
    }
    if (row.phase === "Planned") {
      this.#change({ phase: "Splitting", message: "", startedMs: this.#parts.clock.nowMs() });
    }
    this.#steerSplitting();
    this.#steerMoving();
  }

  #steerSplitting(): void {
    const row = this.row();
    if (row?.phase !== "Splitting") return;
    const { left, said } = this.#work.split(row);
    if (left > 0) this.#say(row.cancelling ? row.message : said);
    else if (row.cancelling) this.#end("Cancelled", "an operator cancelled it; all shards are split, nothing moved");
    else this.#beginMoving(row);
  }

  #beginMoving(row: ReshardRow): void {
    const total = this.#work.beginMoves();
    this.#change({ phase: "Moving", message: "", total, moved: 0 });
    this.#parts.decisions.note("reshard", `split ${row.from} → ${row.to}`, `${total} shards are to move`);
  }

  #steerMoving(): void {
    const row = this.row();
    if (row?.phase !== "Moving") return;
    const { left, skipped, said } = this.#work.move(row);
    if (left > 0) {
      this.#say(said);
      return;
    }
    const message = skipped === 0 ? "" : `${skipped} shards stay where they are: their hosts are not to have them now`;
    this.#end(row.undoing ? "Undone" : "Completed", message);
  }

  #hindrance(): string {
    const row = this.row();
    if (row?.phase === "Planned" && !row.approved) return `waits for the approval of ${row.planHash}`;
    if (row?.paused) return "paused";
    if (row?.phase === "Planned" && !this.#isPlanCurrent()) return "the fleet has changed: it is planned anew";
    return this.#parts.hindrance();
  }

  #begin(plan: ReshardPlan, approved: boolean): void {
    const { keeper, clock } = this.#parts;
    const paused = this.row()?.phase === "Planned" && (this.row()?.paused ?? false);
    for (const kind of ["step", "parent"] as const)
      for (const key of [...keeper.rows(kind).keys()]) keeper.drop(kind, key);
    keeper.put("plan", "", plan);
    keeper.put("reshard", "", {
      phase: "Planned",
      from: plan.from,
      to: plan.to,
      planHash: plan.hash,
      structure: structureOf(this.#planInput(plan.to, [])),
      approved,
      paused,
      cancelling: false,
      undoing: false,
      total: plan.moves.length,
      moved: 0,
      worstPauseMs: 0,
      startedMs: clock.nowMs(),
      message: "",
    });
  }

  #end(phase: "Completed" | "Cancelled" | "Undone", message: string): void {
    const { keeper, decisions } = this.#parts;
    const before = this.desire();
    keeper.put("desire", "", { ...before, reshards: before.reshards + 1 });
    if (phase !== "Completed") this.#decline();
    this.#change({ phase, message, paused: false, cancelling: false, undoing: false });
    decisions.note("reshard", phase, message);
  }

  #undo({ undoing }: ReshardRow): void {
    if (undoing) return;
    const { keeper } = this.#parts;
    for (const key of [...keeper.rows("step").keys()]) keeper.drop("step", key);
    this.#change({ phase: "Moving", undoing: true, paused: false, moved: 0, total: 0, message: "" });
    this.#decline();
  }

  #decline(): void {
    this.#parts.keeper.put("desire", "", { ...this.desire(), declined: true });
  }

  #isPlanCurrent(): boolean {
    const row = this.row();
    return row !== undefined && row.structure === structureOf(this.#planInput(row.to, []));
  }

  #planInput(to: number, topics: readonly number[]): PlanInput {
    const { shards, hosts, weightOf, spec } = this.#parts;
    const { reshards } = this.desire();
    return { shards: shards(), to, hosts: hosts(), topics, weightOf, target: spec().target, reshards };
  }

  #say(message: string): void {
    if (this.row()?.message !== message) this.#change({ message });
  }

  #change(changes: Partial<ReshardRow>): void {
    const row = this.row();
    if (row !== undefined) this.#parts.keeper.put("reshard", "", { ...row, ...changes });
  }
}
