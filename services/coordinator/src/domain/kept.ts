import type { MapEntry, ShardRange } from "@guildhall/slots";
import type { WorkerRow } from "./worker-leases.ts";

/** Where a shard is about to go. */
export interface MoveIntent {
  readonly moveId: string;
  readonly toHost: string;
  readonly toAddress: string;
}

/** An entry of the published map. */
export interface EntryRow extends MapEntry {
  readonly moving?: MoveIntent;
}

/** What a host is told to do with a range. */
export type OrderKind = "take" | "split" | "move";
/** Why it is told so. */
export type OrderCause = "placement" | "failover" | "retake" | "manual" | "drain" | "reshard" | "undo" | "balance";

/** An order that is out, and may be carried out at any time until the journal shows what came of it. */
export interface OrderRow {
  /** Never used again. */
  readonly moveId: string;
  readonly kind: OrderKind;
  readonly cause: OrderCause;
  readonly range: ShardRange;
  /** The owner when it was made; empty = none known. */
  readonly fromHost: string;
  readonly fromIncarnation: string;
  /** Of a split: the owner itself. */
  readonly toHost: string;
  readonly toIncarnation: string;
  readonly toAddress: string;
  /** The owner's epoch when it was made: a higher one tells that something came of it. 0 = never owned. */
  readonly epoch: number;
  readonly reason: string;
  /** Unix time. */
  readonly startedMs: number;
}

/** How a move ended. */
export type MoveEnd = "Done" | "TakenBack" | "Refused" | "Lost";

/** A move that ended. */
export interface MoveRow {
  readonly moveId: string;
  readonly cause: OrderCause;
  readonly range: ShardRange;
  readonly fromHost: string;
  readonly toHost: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly state: MoveEnd;
  readonly reason: string;
  readonly pauseMs: number;
}

/** A host that was heard of, or that the spec names. */
export interface HostRow {
  readonly name: string;
  /** The last that was current; empty = it has never renewed. */
  readonly incarnation: string;
  /** Those before, which must not speak for it again. */
  readonly replaced: readonly string[];
  /** The incarnation that an operator drains; absent = none. */
  readonly draining?: string;
}

/** What a shard's last moves say about the next. */
export interface RestRow {
  readonly range: ShardRange;
  readonly takeBacks: number;
  readonly refusals: number;
  /** Unix time before which it is not moved by itself again. */
  readonly notBeforeMs: number;
  /** Unix time of its last move that was done; 0 = none. */
  readonly movedMs: number;
  readonly reason: string;
}

/** Something that was decided, and how often in a row. */
export interface DecisionRow {
  readonly number: number;
  readonly atMs: number;
  /** When it was last decided so. */
  readonly lastMs: number;
  readonly times: number;
  readonly subject: string;
  readonly action: string;
  readonly reason: string;
}

/** When voluntary moves may happen. */
export interface MoveWindow {
  /** 0 = Sunday ... 6 = Saturday; none = every day. */
  readonly days: readonly number[];
  readonly fromMinute: number;
  /** Below `fromMinute`: ends on the next day. */
  readonly toMinute: number;
  readonly timeZone: string;
}

/** The part of a ShardSet that the coordinator carries out. */
export interface FleetSpec {
  readonly shards: number;
  readonly hosts: readonly string[];
  readonly paused: boolean;
  readonly approvalRequired: boolean;
  readonly movesPerHost: number;
  readonly reshardingWindows: readonly MoveWindow[];
  readonly rebalancingMode: "Off" | "DryRun" | "Auto";
  readonly trigger: number;
  readonly target: number;
  readonly cooldownMs: number;
  readonly rebalancingWindows: readonly MoveWindow[];
}

/** A shard that a reshard splits: where, and what each half has. */
export interface PlannedSplit {
  readonly range: ShardRange;
  readonly host: string;
  readonly lowTopics: number;
  readonly highTopics: number;
  readonly lowLoad: number;
  readonly highLoad: number;
}

/** A move that is planned. */
export interface PlannedMove {
  readonly range: ShardRange;
  readonly fromHost: string;
  readonly toHost: string;
  readonly reason: string;
}

/** What a doubling would do. */
export interface ReshardPlan {
  readonly from: number;
  readonly to: number;
  readonly hash: string;
  readonly splits: readonly PlannedSplit[];
  readonly moves: readonly PlannedMove[];
}

/** Where a reshard is. */
export type ReshardPhase = "Planned" | "Splitting" | "Moving" | "Completed" | "Cancelled" | "Undone";

/** The reshard that runs, or the last one. */
export interface ReshardRow {
  readonly phase: ReshardPhase;
  readonly from: number;
  readonly to: number;
  readonly planHash: string;
  /** What the plan rests on: it is made anew when this is another. */
  readonly structure: string;
  readonly approved: boolean;
  readonly paused: boolean;
  /** In Splitting: the rest is split, and nothing moves. */
  readonly cancelling: boolean;
  /** In Moving: the children go back to their parents' hosts. */
  readonly undoing: boolean;
  readonly total: number;
  readonly moved: number;
  readonly worstPauseMs: number;
  readonly startedMs: number;
  readonly message: string;
}

/** What number of shards is wanted, and how many reshards there were. */
export interface DesireRow {
  readonly shards: number;
  /** A reshard to this number was cancelled or undone: nothing is planned until another is wanted or one is approved. */
  readonly declined: boolean;
  readonly reshards: number;
}

/** A planned move of the reshard that runs. */
export interface StepRow extends PlannedMove {
  readonly state: "waiting" | "done" | "skipped";
}

/** Everything that is kept, by kind. */
export interface Kept {
  readonly worker: WorkerRow;
  readonly entry: EntryRow;
  readonly map: { readonly version: number };
  readonly order: OrderRow;
  readonly move: MoveRow;
  readonly host: HostRow;
  readonly rest: RestRow;
  readonly decision: DecisionRow;
  readonly spec: FleetSpec;
  /** The number of shards that the fleet began with: what nobody ever owned is owned first by ranges of it. */
  readonly base: { readonly shards: number };
  readonly desire: DesireRow;
  readonly reshard: ReshardRow;
  readonly plan: ReshardPlan;
  readonly step: StepRow;
  /** No time above it (Unix ms) has been told to anybody. */
  readonly time: { readonly untilMs: number };
  /** By child range: the host of the parent when it was split. */
  readonly parent: { readonly range: ShardRange; readonly host: string };
}

export type Kind = keyof Kept;

/** A row of some kind with its key; undefined = there is none any more. */
export type Change = {
  readonly [K in Kind]: { readonly kind: K; readonly key: string; readonly row: Kept[K] | undefined };
}[Kind];
