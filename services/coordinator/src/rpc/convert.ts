import { GuildhallError } from "@guildhall/errors";
import type {
  CoordinatorServiceWatchMapResponse,
  DriveReshard,
  EpochRecord,
  HandoffOutcome,
  LeaseWorkerId,
  OrderKind,
  OwnedShard,
  ReshardPlan as PlanMessage,
  PlannedMove as PlannedMoveMessage,
  RenewHost,
  ShardLoad as ShardLoadMessage,
  SlotRange,
  FleetSpec as SpecMessage,
  Order as WireOrder,
} from "@guildhall/proto";
import { type EpochRow, isRange, rangesOverlap, type ShardRange, splitRange } from "@guildhall/slots";
import { describeEntry } from "../domain/describe.ts";
import type { Outcome, Renewal, ServedShard, ShardLoad } from "../domain/hosts.ts";
import type { FleetSpec, MoveWindow, OrderRow, PlannedMove, ReshardPlan } from "../domain/kept.ts";
import type { MapDelta } from "../domain/map-book.ts";
import type { ReshardVerb } from "../domain/operations.ts";
import type { WorkerAsk } from "../domain/worker-leases.ts";

/** A request for worker bits. Throws INVALID_FORM when nobody is named. */
export function toWorkerAsk({ process, incarnation, workerId, highestTimeMs, nowMs }: LeaseWorkerId): WorkerAsk {
  requireNames({ process, incarnation });
  const ask = { process, incarnation, highestTimeMs: Number(highestTimeMs), nowMs: Number(nowMs) };
  return workerId === undefined ? ask : { ...ask, workerId };
}

/** A host's renewal. Throws INVALID_FORM when it names nobody, no address, or a range that is none. */
export function toRenewal({ shards, owned, outcomes, memoryBytes, nowMs, ...said }: RenewHost): Renewal {
  const { host, address, incarnation } = said;
  requireNames({ host, address, incarnation });
  const served = shards.map((shard) => toServed(shard, said));
  // A host that says by which EPOCHs it owns, and not what it serves by them, serves all of it.
  if (served.length === 0) served.push(...owned.flatMap((record) => servedBy(toEpochRow(record))));
  const numbers = { memoryBytes: Number(memoryBytes), nowMs: Number(nowMs) };
  return { ...said, ...numbers, shards: served, outcomes: outcomes.map(toOutcome) };
}

function toServed(
  { range, row, load }: OwnedShard,
  { host, incarnation }: Pick<RenewHost, "host" | "incarnation">,
): ServedShard {
  const shard = { range: toRange(range), row: row === undefined ? undefined : toEpochRow(row) };
  if (shard.row === undefined || !rangesOverlap(shard.range, shard.row.range)) {
    throw new GuildhallError("INVALID_FORM", "a shard without the EPOCH that it is owned by");
  }
  if (shard.row.host !== host || shard.row.incarnation !== incarnation) {
    throw new GuildhallError("INVALID_FORM", `${host} names an EPOCH of ${shard.row.host}`);
  }
  return { range: shard.range, row: shard.row, ...(load === undefined ? {} : { load: toLoad(load) }) };
}

function servedBy(row: EpochRow): ServedShard[] {
  return (row.split ? splitRange(row.range) : [row.range]).map((range) => ({ range, row }));
}

function toLoad(load: ShardLoadMessage): ShardLoad {
  return { ...load, memoryBytes: Number(load.memoryBytes) };
}

const results: readonly Outcome["result"][] = ["refused", "done", "taken back", "refused"];

function toOutcome({ moveId, result, reason, pauseMs }: HandoffOutcome): Outcome {
  return { moveId, result: results[Number(result)] ?? "refused", reason, pauseMs };
}

/** An EPOCH as the journal and the hosts tell it. Throws INVALID_FORM when its range is none. */
export function toEpochRow({ range, ...row }: EpochRecord): EpochRow {
  return { range: toRange(range), ...row };
}

/** A range. Throws INVALID_FORM when it is none. */
export function toRange(range: SlotRange | undefined): ShardRange {
  if (range === undefined || !isRange(range)) throw new GuildhallError("INVALID_FORM", "a range that is none");
  return range;
}

const kinds = { take: 1, split: 2, move: 3 } as const satisfies Record<OrderRow["kind"], OrderKind>;

/** An order as it is given. */
export function fromOrder({
  range,
  moveId,
  kind,
  fromIncarnation,
  toHost,
  toAddress,
  toIncarnation,
}: OrderRow): WireOrder {
  return { range: { ...range }, moveId, kind: kinds[kind], fromIncarnation, toHost, toAddress, toIncarnation };
}

/** The published map, whole or what changed. */
export function fromMapDelta({ version, fromVersion, entries, removed }: MapDelta): CoordinatorServiceWatchMapResponse {
  return {
    version: BigInt(version),
    fromVersion: BigInt(fromVersion),
    entries: entries.map(describeEntry),
    removed: removed.map((range) => ({ ...range })),
  };
}

/** A spec. Its fields are checked where it is applied. Throws INVALID_FORM when there is none. */
export function toSpec(spec: SpecMessage | undefined): FleetSpec {
  if (spec === undefined) throw new GuildhallError("INVALID_FORM", "no spec");
  const { rebalancingMode, reshardingWindows, rebalancingWindows, ...rest } = spec;
  return {
    ...rest,
    rebalancingMode: rebalancingMode as FleetSpec["rebalancingMode"],
    reshardingWindows: reshardingWindows.map(toWindow),
    rebalancingWindows: rebalancingWindows.map(toWindow),
  };
}

function toWindow({ days, fromMinute, toMinute, timeZone }: MoveWindow): MoveWindow {
  return { days: [...days], fromMinute, toMinute, timeZone };
}

/** What is to be done to a reshard. Throws INVALID_FORM for a verb that is none. */
export function toReshardVerb({ verb, to, hash }: DriveReshard): ReshardVerb {
  switch (verb) {
    case "apply":
      return { verb, to };
    case "approve":
      return { verb, hash };
    case "pause":
    case "resume":
    case "cancel":
    case "undo":
      return { verb };
    default:
      throw new GuildhallError("INVALID_FORM", `"${verb}" is no verb: apply, approve, pause, resume, cancel, undo`);
  }
}

/** What a doubling would do. */
export function fromPlan({ from, to, hash, splits, moves }: ReshardPlan): PlanMessage {
  return {
    from,
    to,
    hash,
    splits: splits.map(({ range, lowTopics, highTopics, ...split }) => ({
      ...split,
      range: { ...range },
      lowTopics: BigInt(lowTopics),
      highTopics: BigInt(highTopics),
    })),
    moves: moves.map(fromPlannedMove),
  };
}

/** A move that is planned. */
export function fromPlannedMove({ range, fromHost, toHost, reason }: PlannedMove): PlannedMoveMessage {
  return { range: { ...range }, fromHost, toHost, reason };
}

function requireNames(names: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(names)) {
    if (value === "") throw new GuildhallError("INVALID_FORM", `${name} is empty`);
  }
}
