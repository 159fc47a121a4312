import { setTimeout as delay } from "node:timers/promises";
import { GuildhallError } from "@guildhall/errors";
import type { HostDescription } from "@guildhall/proto";
import type { CoordinatorClient } from "@guildhall/rpc";
import { parseRange } from "@guildhall/slots";
import type { FleetContext } from "../../context.ts";
import type { MoveView } from "../api.ts";
import { badField, flag, readForm, text } from "../forms.ts";
import type { Verbs } from "../verbs.ts";
import { viewDecision, viewHost, viewMove, viewPlannedMove, viewReshard, viewShards } from "../views.ts";

const shardField = text(/^\d{1,5}\/\d{1,5}$/, 'must be a shard as "3/8": number 3 of 8');
/** Host names, or what somebody took for one: whether there is such a host is told with the names that there are. */
const hostField = text(/^[\w-]{1,64}$/, 'must be the name of a host such as "guild-1"');

const movePollMs = 50;
const moveWaitMs = 60_000;
const mostDecisions = 20;

/** Who owns what, and handing it over. */
export function shardVerbs({
  coordinator,
  crew,
  reconciler,
}: FleetContext): Verbs<"shards" | "hosts" | "move" | "rebalance"> {
  // Who was taken out of the document and has nothing any more is history.
  const matters = ({ name, state, shards }: HostDescription): boolean =>
    crew.planned.includes(name) || shards > 0 || state === "Ready" || state === "Draining";
  const refuseIfPaused = (): void => {
    if (!reconciler.wishes.spec.paused) return;
    throw new GuildhallError("REFUSED", "the fleet is paused, so no shard moves: `guildhall resume` first");
  };
  return {
    async shards(body) {
      readForm(body, {});
      const fleet = await (await coordinator.client()).call("describeFleet", {});
      const reshard = viewReshard(fleet.reshard);
      return {
        mapVersion: Number(fleet.mapVersion),
        desired: reconciler.wishes.spec.shards,
        serving: reshard.serving,
        paused: reconciler.wishes.spec.paused,
        shards: viewShards(fleet),
        reshard,
      };
    },
    async hosts(body) {
      readForm(body, {});
      const fleet = await (await coordinator.client()).call("describeFleet", {});
      return {
        imbalance: fleet.imbalance,
        mode: fleet.spec?.rebalancingMode ?? "",
        hosts: fleet.hosts.filter(matters).map(viewHost),
        decisions: fleet.decisions.slice(-mostDecisions).map(viewDecision),
        moves: fleet.moves.slice(-mostDecisions).map(viewMove),
      };
    },
    async move(body) {
      const { shard, host, dryRun } = readForm(body, { shard: shardField, host: hostField, dryRun: flag });
      const range = parseRange(shard);
      if (range === undefined) throw badField("shard", 'must be a shard as "3/8": number 3 of 8, a power of two');
      const hosts = crew.planned.filter((name) => name.startsWith("guild-"));
      if (!hosts.includes(host)) throw badField("host", `no host ${host}: there are ${hosts.join(", ")}`);
      refuseIfPaused();
      const client = await coordinator.client();
      const { moveId, fromHost } = await client.call("moveShard", { range, toHost: host, dryRun });
      if (!dryRun) return await ended(client, moveId);
      return { shard, from: fromHost, to: host, state: "", reason: "", pauseMs: 0, startedMs: 0, endedMs: 0 };
    },
    async rebalance(body) {
      const { dryRun } = readForm(body, { dryRun: flag });
      refuseIfPaused();
      const { moves, reason } = await (await coordinator.client()).call("rebalance", { dryRun });
      return { moves: moves.map(viewPlannedMove), reason };
    },
  };
}

/** The move when it has ended, or as it is after a minute. */
async function ended(client: CoordinatorClient, moveId: string): Promise<MoveView> {
  const untilMs = performance.now() + moveWaitMs;
  for (;;) {
    const { moves } = await client.call("describeFleet", {});
    const move = moves.find((one) => one.moveId === moveId);
    if (move !== undefined && (move.state !== "Running" || performance.now() > untilMs)) return viewMove(move);
    if (performance.now() > untilMs) throw badField("shard", "the coordinator does not know of the move any more");
    await delay(movePollMs);
  }
}
