import { Permission } from "@guildhall/permissions";
import type { Dispatch } from "@guildhall/proto";
import { gained, lost } from "@guildhall/visibility";
import type { Outcome } from "../model/outcome.ts";
import type { GuildState } from "../model/state.ts";
import type { Channel, Member } from "../model/thing.ts";
import { channelJson } from "../render/render-channel.ts";
import { dispatchOf, gainers, losers } from "./dispatch.ts";

const seeing = Permission.VIEW_CHANNEL | Permission.ADMINISTRATOR;

/** Channels that somebody may gain or lose by an event. Too many costs bytes; too few would hide or leak one. */
export interface Exposure {
  /** Call it once the outcomes have been assigned: what tells the gainers and the losers. */
  dispatches(): Dispatch[];
}

/**
 * Works out, before outcomes are assigned, which channels of those that were there somebody may gain or lose by them.
 * A channel that everybody saw before cannot be gained; one that everybody sees after cannot be lost.
 */
export function exposureOf(
  state: GuildState,
  outcomes: readonly Outcome[],
  memberBefore: (userId: bigint) => Member | undefined,
): Exposure | undefined {
  const touched = new Set<bigint>();
  const follow: { before: Member; after: Member }[] = [];
  for (const outcome of outcomes) {
    if (outcome.of === "member") {
      const before = memberBefore(outcome.member.userId);
      if (before !== undefined) follow.push({ before, after: outcome.member });
    } else for (const id of touchedBy(state, outcome)) touched.add(id);
  }
  if (touched.size === 0 && follow.length === 0) return undefined;
  const wasOpen = new Set([...touched].filter((id) => state.isOpen(id)));
  const was = new Map([...touched].map((id) => [id, state.channels.get(id)]));
  const views = follow.map(({ before, after }) => ({ before: state.viewOf(before), after }));
  return {
    dispatches() {
      const gain = new Set([...touched].filter((id) => !wasOpen.has(id)));
      const lose = new Set([...touched].filter((id) => !state.isOpen(id)));
      for (const { before, after } of views) {
        const view = state.viewOf(after);
        for (const id of gained(before, view)) gain.add(id);
        for (const id of lost(before, view)) lose.add(id);
      }
      return tell(state, was, gain, lose);
    },
  };
}

/** Who loses a channel is shown it as it `was`: what has become of it is not theirs. */
function tell(
  state: GuildState,
  was: ReadonlyMap<bigint, Channel | undefined>,
  gain: ReadonlySet<bigint>,
  lose: ReadonlySet<bigint>,
): Dispatch[] {
  const dispatches: Dispatch[] = [];
  for (const id of gain) {
    const channel = state.channels.get(id);
    if (channel !== undefined) dispatches.push(dispatchOf("CHANNEL_CREATE", gainers(id), channelJson(state, channel)));
  }
  for (const id of lose) {
    const now = state.channels.get(id);
    if (now === undefined) continue;
    dispatches.push(dispatchOf("CHANNEL_DELETE", losers(id), channelJson(state, was.get(id) ?? now)));
  }
  return dispatches;
}

/** Existing channels whose visibility an outcome may change for somebody. */
function touchedBy(state: GuildState, outcome: Outcome): Iterable<bigint> {
  switch (outcome.of) {
    case "guild":
      return outcome.guild.ownerId === state.guild?.ownerId || outcome.guild.deleted ? [] : state.channels.keys();
    case "role": {
      const before = state.roles.get(outcome.role.id);
      // A new role has no members yet.
      if (before === undefined) return [];
      return ((before.permissions ^ outcome.role.permissions) & seeing) === 0n ? [] : state.channels.keys();
    }
    case "role-gone": {
      const role = state.roles.get(outcome.id);
      if (role !== undefined && (role.permissions & seeing) !== 0n) return state.channels.keys();
      return [...state.channels.values()].filter((channel) => names(channel, outcome.id)).map(({ id }) => id);
    }
    case "channel": {
      const before = state.channels.get(outcome.channel.id);
      return before === undefined || seenAlike(before, outcome.channel) ? [] : [outcome.channel.id];
    }
    default:
      return [];
  }
}

function names(channel: Channel, roleId: bigint): boolean {
  return channel.overwrites.some(({ id, allow, deny }) => id === roleId && ((allow | deny) & seeing) !== 0n);
}

function seenAlike(a: Channel, b: Channel): boolean {
  const rules = ({ overwrites }: Channel) =>
    overwrites
      .filter(({ allow, deny }) => ((allow | deny) & Permission.VIEW_CHANNEL) !== 0n)
      .map(({ id, kind, allow }) => `${kind}${id}${(allow & Permission.VIEW_CHANNEL) === 0n ? "-" : "+"}`)
      .sort()
      .join();
  return rules(a) === rules(b);
}
