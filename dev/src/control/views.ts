import type {
  Decision,
  FleetDescription,
  HostDescription,
  MoveRecord,
  PlannedMove,
  ReshardPlan,
  ReshardStatus,
  SessionDescription,
  SessionsDescription,
  ShardDescription,
  ShardLoad,
  SlotRange,
} from "@guildhall/proto";
import { formatRange } from "@guildhall/slots";
import type {
  DecisionView,
  GatewayView,
  HostView,
  LoadView,
  MoveView,
  PlannedMoveView,
  ReshardPlanView,
  ReshardView,
  SessionView,
  ShardView,
} from "./api.ts";

/** What came over the wire, as the tool shows it: plain JSON, ids as text. */

/** How the doubling stands; also where the coordinator knows of none. */
export function viewReshard(status: ReshardStatus | undefined): ReshardView {
  return {
    phase: status?.phase ?? "",
    from: status?.from ?? 0,
    to: status?.to ?? 0,
    planHash: status?.planHash ?? "",
    approved: status?.approved ?? false,
    paused: status?.paused ?? false,
    split: status?.split ?? 0,
    moved: status?.moved ?? 0,
    total: status?.total ?? 0,
    worstPauseMs: status?.worstPauseMs ?? 0,
    startedMs: Number(status?.startedMs ?? 0),
    message: status?.message ?? "",
    serving: status?.serving ?? 0,
  };
}

/** A plan to double. */
export function viewPlan({ from, to, hash, splits, moves }: ReshardPlan): ReshardPlanView {
  return {
    from,
    to,
    hash,
    splits: splits.map(({ range, host, lowTopics, highTopics, lowLoad, highLoad }) => ({
      shard: shardOf(range),
      host,
      lowTopics: Number(lowTopics),
      highTopics: Number(highTopics),
      lowLoad,
      highLoad,
    })),
    moves: moves.map(viewPlannedMove),
  };
}

/** A move that is to be. */
export function viewPlannedMove({ range, fromHost, toHost, reason }: PlannedMove): PlannedMoveView {
  return { shard: shardOf(range), from: fromHost, to: toHost, reason };
}

/** A move that was, or is under way. */
export function viewMove(move: MoveRecord): MoveView {
  return {
    shard: shardOf(move.range),
    from: move.fromHost,
    to: move.toHost,
    state: move.state,
    reason: move.reason,
    pauseMs: move.pauseMs,
    startedMs: Number(move.startedMs),
    endedMs: Number(move.endedMs),
  };
}

/** The shards, by number. */
export function viewShards({ shards }: FleetDescription): ShardView[] {
  return shards
    .toSorted((a, b) => (a.entry?.range?.n ?? 0) - (b.entry?.range?.n ?? 0) || numberOf(a) - numberOf(b))
    .map(viewShard);
}

function numberOf({ entry }: ShardDescription): number {
  return entry?.range?.i ?? 0;
}

function viewShard({ entry, state, load }: ShardDescription): ShardView {
  return {
    shard: shardOf(entry?.range),
    host: entry?.host ?? "",
    epoch: entry?.epoch ?? 0,
    state,
    ...(entry?.moving === undefined ? {} : { movingTo: entry.moving.toHost }),
    load: viewLoad(load),
  };
}

function viewLoad(load: ShardLoad | undefined): LoadView {
  return {
    topics: load?.openTopics ?? 0,
    commandsPerS: load?.commandsPerS ?? 0,
    bytesPerS: load?.bytesPerS ?? 0,
    cpuShare: load?.cpuShare ?? 0,
    memoryBytes: Number(load?.memoryBytes ?? 0),
  };
}

/** One host. */
export function viewHost(host: HostDescription): HostView {
  const { name, state, shards, load, epochMax, renewedMsAgo, incarnation, version } = host;
  return { name, state, shards, load, epochMax, renewedMsAgo, incarnation, version };
}

/** One decision. */
export function viewDecision({ atMs, subject, action, reason }: Decision): DecisionView {
  return { atMs: Number(atMs), subject, action, reason };
}

/** One gateway that answered. */
export function viewGateway(
  name: string,
  { state, connected, waiting, adopted, sessions }: SessionsDescription,
): GatewayView {
  return {
    gateway: name,
    state,
    connected: Number(connected),
    waiting: Number(waiting),
    adopted: Number(adopted),
    sessions: sessions.map(viewSession),
  };
}

function viewSession(session: SessionDescription): SessionView {
  const { id, userId, state, s, guilds, shardId, shardCount, sinceMs, encoding, hereOnly } = session;
  return {
    id,
    userId: String(userId),
    state,
    s: Number(s),
    guilds,
    clientShard: `${shardId}/${Math.max(1, shardCount)}`,
    sinceMs: Number(sinceMs),
    encoding,
    hereOnly,
  };
}

function shardOf(range: SlotRange | undefined): string {
  return range === undefined ? "" : formatRange(range);
}
