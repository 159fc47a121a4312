import type {
  Decision,
  FleetDescription,
  HostDescription,
  MapEntry,
  MoveRecord,
  ReshardStatus,
  ShardDescription,
  ShardLoad,
  FleetSpec as SpecMessage,
} from "@guildhall/proto";
import type { Fleet } from "./fleet.ts";
import type { DecisionRow, EntryRow, FleetSpec, MoveRow, MoveWindow, OrderRow } from "./kept.ts";
import type { SmoothLoad } from "./loads.ts";
import type { Shard } from "./ownership.ts";
import { doublingOf } from "./reshard-plan.ts";

/** Everything that is known of the fleet, as operators are told it. */
export function describeFleet(fleet: Fleet, mapVersion: number): FleetDescription {
  const spec = fleet.spec();
  const running = fleet.orders.open().filter(({ kind }) => kind === "move");
  return {
    mapVersion: BigInt(mapVersion),
    shards: fleet.shards().map((shard) => describeShard(fleet, shard)),
    hosts: hostNames(fleet).map((name) => describeHost(fleet, name)),
    reshard: describeReshard(fleet),
    decisions: fleet.decisions.list().map(describeDecision),
    moves: [...fleet.orders.ended().map(describeMove), ...running.map(describeRunning)],
    spec: describeSpec(spec),
    paused: spec.paused,
    imbalance: fleet.balancer.imbalance(),
  };
}

/** Where the reshard is; phase "" when there never was one. */
export function describeReshard(fleet: Fleet): ReshardStatus {
  const { reshard } = fleet;
  const row = reshard.row();
  return {
    phase: row?.phase ?? "",
    from: row?.from ?? 0,
    to: row?.to ?? 0,
    planHash: row?.planHash ?? "",
    approved: row?.approved ?? false,
    moved: row?.moved ?? 0,
    total: row?.total ?? 0,
    worstPauseMs: row?.worstPauseMs ?? 0,
    startedMs: whole(row?.startedMs ?? 0),
    message: unplanned(fleet) || (row?.message ?? ""),
    paused: row?.paused ?? false,
    split: reshard.splitCount(),
    serving: fleet.shards().length,
  };
}

/** Why the number of shards that is wanted is not planned; empty = it is, or there is none to plan. */
function unplanned(fleet: Fleet): string {
  const { reshard } = fleet;
  const { shards: wanted, declined } = reshard.desire();
  const { from, to } = doublingOf(fleet.shards());
  if (!fleet.known || reshard.isUnderWay() || declined || wanted === fleet.shards().length) return "";
  if (wanted !== to) return `${wanted} shards are wanted: ${from} can only become ${to}`;
  return `${from} → ${to} cannot be planned now: ${reshard.refusal(to) || "the topics are being counted"}`;
}

function describeShard(fleet: Fleet, shard: Shard): ShardDescription {
  const load = fleet.balancer.loadOf(shard.key);
  return {
    entry: describeEntry(fleet.keeper.get("entry", shard.key) ?? entryOf(shard)),
    state: stateOf(fleet, shard),
    load: load && describeLoad(load),
  };
}

function stateOf({ orders, hosts }: Fleet, shard: Shard): string {
  const order = orders.on(shard.range);
  if (order?.kind === "take") return "Ordered";
  const isServed = shard.row !== undefined && hosts.isCurrent(shard.row) && hosts.serves(shard);
  if (!isServed) return "Lost";
  if (order === undefined) return "Serving";
  return order.kind === "split" ? "Splitting" : "Moving";
}

function entryOf({ range, row }: Shard): EntryRow {
  return { range, host: row?.host ?? "", address: "", epoch: row?.epoch ?? 0, incarnation: row?.incarnation ?? "" };
}

/** An entry of the map. */
export function describeEntry({ range, moving, ...entry }: EntryRow): MapEntry {
  return { ...entry, range: { ...range }, moving: moving && { ...moving } };
}

function describeLoad({ cpu: _, windows: _windows, ...load }: SmoothLoad): ShardLoad {
  return { ...load, memoryBytes: whole(load.memoryBytes) };
}

function hostNames({ keeper, hosts }: Fleet): string[] {
  return [...new Set([...(keeper.get("spec")?.hosts ?? []), ...keeper.rows("host").keys(), ...hosts.names()])].sort();
}

function describeHost(fleet: Fleet, name: string): HostDescription {
  const { hosts, clock, balancer } = fleet;
  const info = hosts.last(name);
  const owned = fleet.shards().filter(({ row }) => row?.host === name);
  const total = fleet.shards().reduce((sum, { key }) => sum + balancer.weightOf(key), 0);
  const load = owned.reduce((sum, { key }) => sum + balancer.weightOf(key), 0) / (total || 1);
  return {
    name,
    address: info?.address ?? "",
    incarnation: info?.incarnation ?? "",
    state: hostState(fleet, name),
    shards: owned.length,
    load,
    epochMax: Math.max(0, ...owned.map(({ row }) => row?.epoch ?? 0)),
    renewedMsAgo: info === undefined ? 0 : clock.monotonicMs() - info.renewedAtMs,
    version: info?.version ?? "",
  };
}

function hostState(fleet: Fleet, name: string): string {
  if (fleet.hosts.current(name) !== undefined) return fleet.isDraining(name) ? "Draining" : "Ready";
  const wasThere = fleet.hosts.last(name) !== undefined || fleet.keeper.get("host", name)?.incarnation;
  return wasThere ? "Lapsed" : "Absent";
}

const utcTime = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", dateStyle: "short", timeStyle: "medium" });

function describeDecision({ atMs, lastMs, times, subject, action, reason }: DecisionRow): Decision {
  const again = times === 1 ? "" : ` (${times} times since ${utcTime.format(atMs)} UTC)`;
  return { atMs: whole(lastMs), subject, action, reason: `${reason}${again}` };
}

function describeMove({ startedMs, endedMs, cause: _, ...row }: MoveRow): MoveRecord {
  return { ...row, startedMs: whole(startedMs), endedMs: whole(endedMs) };
}

function describeRunning({ moveId, range, fromHost, toHost, startedMs, reason }: OrderRow): MoveRecord {
  const started = { moveId, range, fromHost, toHost, startedMs: whole(startedMs), endedMs: 0n };
  return { ...started, state: "Running", reason, pauseMs: 0 };
}

function describeSpec(spec: FleetSpec): SpecMessage {
  const windows = (all: readonly MoveWindow[]) => all.map((window) => ({ ...window, days: [...window.days] }));
  return {
    ...spec,
    hosts: [...spec.hosts],
    reshardingWindows: windows(spec.reshardingWindows),
    rebalancingWindows: windows(spec.rebalancingWindows),
  };
}

const whole = (ms: number): bigint => BigInt(Math.floor(ms));
