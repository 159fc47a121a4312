import type { EpochRow } from "@guildhall/slots";
import type { HostInfo, Hosts } from "./hosts.ts";
import type { OrderCause, OrderRow } from "./kept.ts";
import type { Shard } from "./ownership.ts";

/*
 * Who is to take a shard. Its owner is
 *
 *   none       nobody ever had it: host i mod (number of hosts) is to take it if it is there soon, else whoever is
 *   alive      its incarnation renews: nobody takes it. An order that is out against it stands while its taker lives;
 *              when that one is gone too, the owner takes its own range anew, which ends every order to others
 *   replaced   its host runs in another incarnation: that one takes it at once
 *   silent     nothing was heard of the host since the coordinator's own start, less than a TTL ago: nobody takes it
 *   lapsed     a survivor takes it, the least loaded first
 */

/** What is looked at. */
export interface FailoverView {
  readonly shards: readonly Shard[];
  readonly hosts: Hosts;
  /** Hosts of the spec, in its order. */
  readonly specHosts: readonly string[];
  readonly isDraining: (host: string) => boolean;
  /** The order that is out over a shard. */
  readonly orderOn: (shard: Shard) => OrderRow | undefined;
  readonly orderAgeMs: (order: OrderRow) => number;
  /** What a shard weighs, all shards together 1. */
  readonly weightOf: (shard: Shard) => number;
  /** For how long (ms) the coordinator has known the journal's rows. */
  readonly knownForMs: number;
  /** Whether the journal, read after the owner's last word, still names an owner that does not say it serves the shard. */
  readonly isForsaken: (shard: Shard) => boolean;
}

/** That a host is to take a shard. */
export interface Take {
  readonly shard: Shard;
  readonly to: HostInfo;
  readonly cause: OrderCause;
  readonly reason: string;
}

/** How long a shard that nobody ever had waits for the host that is meant for it. */
export const placementGraceMs = 2_000;
/** A taker that took nothing for this long is left for another, if there is one. */
export const slowTakerMs = 20_000;

/** Decides all takes that are due and not ordered yet. Pure. */
export function decideTakes(view: FailoverView): Take[] {
  const survivors = makeSurvivors(view);
  return view.shards.flatMap((shard) => {
    const take = decideTake(shard, view, survivors);
    if (take === undefined) return [];
    survivors.add(take.to.host, view.weightOf(shard));
    return [{ shard, ...take }];
  });
}

type Decided = Omit<Take, "shard">;

function decideTake(shard: Shard, view: FailoverView, survivors: Survivors): Decided | undefined {
  const order = view.orderOn(shard);
  const take = order?.kind === "take" ? order : undefined;
  if (take !== undefined && isUnderWay(take, shard, view, survivors)) return undefined;
  const owner = shard.row;
  if (owner === undefined) return placement(shard, view, survivors, take);
  const { hosts } = view;
  if (hosts.isCurrent(owner)) return retake(shard, owner, take, view);
  const successor = hosts.current(owner.host);
  if (hosts.isReplaced(owner)) {
    if (successor !== undefined) return { to: successor, cause: "failover", reason: `${owner.host} runs anew` };
  } else if (hosts.mayLive(owner)) return undefined;
  const to = survivors.least(take?.toHost);
  return to && { to, cause: "failover", reason: `${owner.host} does not renew its lease` };
}

/** Whether an order to take may still be carried out by a taker that lives, or has no better one. */
function isUnderWay(take: OrderRow, shard: Shard, view: FailoverView, survivors: Survivors): boolean {
  // Also one that was not heard of yet since the coordinator's own start.
  const isThere = view.hosts.mayLive({ host: take.toHost, incarnation: take.toIncarnation });
  if (!isThere) return false;
  const isTaken = shard.row?.host === take.toHost && shard.row.incarnation === take.toIncarnation;
  if (isTaken || view.orderAgeMs(take) < slowTakerMs) return true;
  return survivors.least(take.toHost)?.host === take.toHost;
}

function retake(
  shard: Shard,
  owner: EpochRow,
  take: OrderRow | undefined,
  { hosts, isForsaken }: FailoverView,
): Decided | undefined {
  const to = hosts.current(owner.host);
  if (to === undefined) return undefined;
  if (take !== undefined)
    return { to, cause: "retake", reason: `${take.toHost} has not taken it, and ${owner.host} is back` };
  return isForsaken(shard) ? { to, cause: "retake", reason: `${owner.host} owns it and does not serve it` } : undefined;
}

function placement(
  { range }: Shard,
  { specHosts, hosts, isDraining, knownForMs }: FailoverView,
  survivors: Survivors,
  former: OrderRow | undefined,
): Decided | undefined {
  const meant = specHosts[range.i % Math.max(1, specHosts.length)];
  const to = meant === undefined || isDraining(meant) || meant === former?.toHost ? undefined : hosts.current(meant);
  if (to !== undefined) return { to, cause: "placement", reason: "nobody ever had it" };
  if (knownForMs < placementGraceMs) return undefined;
  const other = survivors.least(former?.toHost);
  return (
    other && { to: other, cause: "placement", reason: `nobody ever had it, and ${meant ?? "no host"} is not there` }
  );
}

interface Survivors {
  /** The least loaded host that may take something; another one than `except` if there is one. */
  least(except?: string): HostInfo | undefined;
  add(host: string, weight: number): void;
}

/** Hosts that live, with what they own and are to take. Those that are to be empty take only when there are no others. */
function makeSurvivors({ hosts, shards, isDraining, orderOn, weightOf }: FailoverView): Survivors {
  const alive = hosts.alive();
  const welcome = alive.filter(({ host }) => !isDraining(host));
  const candidates = welcome.length > 0 ? welcome : alive;
  const weights = new Map(candidates.map(({ host }) => [host, 0]));
  const add = (host: string, weight: number): void => {
    const before = weights.get(host);
    if (before !== undefined) weights.set(host, before + weight);
  };
  for (const shard of shards) {
    const order = orderOn(shard);
    add(order?.kind === "take" ? order.toHost : (shard.row?.host ?? ""), weightOf(shard));
  }
  return {
    add,
    least(except) {
      const others = candidates.length > 1 ? candidates.filter(({ host }) => host !== except) : candidates;
      const weightOfHost = ({ host }: HostInfo): number => weights.get(host) ?? 0;
      return others.reduce<HostInfo | undefined>(
        (least, host) => (least !== undefined && weightOfHost(least) <= weightOfHost(host) ? least : host),
        undefined,
      );
    },
  };
}

// Takes of this many shards by one host for one reason are one decision.
const fewTakes = 3;

/** Takes as subject, action and reason: each by itself while they are few. */
export function describeTakes(takes: readonly Take[]): { subject: string; action: string; reason: string }[] {
  const groups = Map.groupBy(takes, ({ shard, to, cause }) => [cause, shard.row?.host ?? "", to.host].join(" "));
  return [...groups.values()].flatMap((group) => {
    const keys = group.map(({ shard }) => shard.key);
    const [first] = group;
    if (first === undefined) return [];
    const { to, cause, reason, shard } = first;
    if (group.length <= fewTakes) {
      return keys.map((key) => ({ subject: `${cause} ${key}`, action: `${to.host} is to take it`, reason }));
    }
    const subject = `${cause} ${shard.row?.host ?? "of the fleet"}`;
    return [{ subject, action: `${to.host} is to take ${group.length} shards`, reason }];
  });
}
