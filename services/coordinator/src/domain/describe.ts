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
  const held = holdings(fleet);
  const running = fleet.orders.open().filter(({ kind }) => kind === "move");
  return {
    mapVersion: BigInt(mapVersion),
    shards: fleet.shards().map((shard) => describeShard(fleet, shard)),
    hosts: hostNames(fleet).map((name) => describeHost(fleet, name, held)),
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

interface Holding {
  shards: number;
  weight: number;
  epochMax: number;
}

/** What each host owns, and the weight of all shards. */
function holdings(fleet: Fleet): { readonly of: ReadonlyMap<string, Holding>; readonly total: number } {
  const of = new Map<string, Holding>();
  let total = 0;
  for (const { key, row } of fleet.shards()) {
    const weight = fleet.balancer.weightOf(key);
    total += weight;
    if (row === undefined) continue;
    const held = of.get(row.host) ?? { shards: 0, weight: 0, epochMax: 0 };
    held.shards += 1;
    held.weight += weight;
    held.epochMax = Math.max(held.epochMax, row.epoch);
    of.set(row.host, held);
  }
  return { of, total: total || 1 };
}

function describeHost(fleet: Fleet, name: string, { of, total }: ReturnType<typeof holdings>): HostDescription {
  const info = fleet.hosts.last(name);
  const held = of.get(name);
  return {
    name,
    address: info?.address ?? "",
    incarnation: info?.incarnation ?? "",
    state: hostState(fleet, name),
    shards: held?.shards ?? 0,
    load: (held?.weight ?? 0) / total,
    epochMax: held?.epochMax ?? 0,
    renewedMsAgo: info === undefined ? 0 : fleet.clock.monotonicMs() - info.renewedAtMs,
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
