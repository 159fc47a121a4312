import { GuildhallError } from "@guildhall/errors";
import type { NotOwner, TopicRequest } from "@guildhall/proto";
import type { MapEntry, ShardMap } from "@guildhall/slots";
import { makeAttempts } from "./attempts.ts";
import type { HostPool } from "./host-pool.ts";
import type { Answer, Clock, Timers } from "./ports.ts";
import { judge, type Verdict } from "./verdict.ts";
import { sameOwner, type WaitingRoom } from "./waiting-room.ts";

/*
 * A request on its way to the owner of its slot is
 *
 *   ready     about to look at the map
 *   waiting   in the waiting room: for an owner, for its stream, or for a pause after a refusal to pass
 *   sent      written to a host that has not answered
 *   done      answered, or given up
 *
 * and moves
 *
 *   ready → sent       the owner is known and its stream is there
 *   ready → waiting    else
 *   waiting → ready    the owner changed, the stream came up, the pause is over
 *   sent → done        answered
 *   sent → ready       not the owner, refused for a moment, stream lost; or another owner is known for a while
 *   any → done         its time is over, or the waiting room is full
 *
 * It is sent again with the same request id, which the owner's retry table knows when an earlier attempt was journaled.
 * `uncertain` remembers that an attempt may have been: from then on a command is never refused with a 503.
 */

/** What the forwarder uses. `random` gives numbers from 0 to 1. */
export interface ForwarderOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly map: ShardMap;
  readonly hosts: HostPool;
  readonly room: WaitingRoom;
  readonly sizeOf: (request: TopicRequest) => number;
  readonly onRetry: (reason: Verdict["kind"]) => void;
  /** Takes what a host that does not own a slot knows of its owner; calls back `ownersChanged` when that is news. */
  readonly learn: (notOwner: NotOwner) => void;
}

/** Brings requests to the owner of their topic's slot. */
export interface Forwarder {
  /**
   * Resolves to the owner's answer. Rejects, at `deadlineMs` (monotonic) at the latest, with UNAVAILABLE, QUEUE_FULL or
   * DRAINING when the request was certainly not done, and for commands that may have been with OUTCOME_UNKNOWN; at once with PAYLOAD_TOO_LARGE.
   */
  forward(request: TopicRequest, slot: number, deadlineMs: number): Promise<Answer>;
  /** To be called after the map changed. */
  ownersChanged(): void;
  /** Gives up all that waits, now and from now on. */
  drain(): void;
  /** Requests written and not answered. */
  sent(): number;
}

interface Trip {
  readonly request: TopicRequest;
  readonly slot: number;
  readonly deadlineMs: number;
  uncertain: boolean;
  refusals: number;
  pauses: number;
  sizeBytes: number | undefined;
}

const maxRefusals = 5;
const firstPauseMs = 25;
const lastPauseMs = 1_000;
const retryAfterMs = 1_000;

/** Makes a forwarder. */
export function makeForwarder(options: ForwarderOptions): Forwarder {
  const { clock, timers, random, map, hosts, room, sizeOf, onRetry, learn } = options;
  const attempts = makeAttempts({ timers, map, hosts });
  let draining = false;

  const remainingMs = ({ deadlineMs }: Trip): number => deadlineMs - clock.monotonicMs();

  async function wait(trip: Trip, owner: MapEntry | undefined, forStream: boolean, pauseMs: number): Promise<void> {
    if (draining) return;
    trip.sizeBytes ??= sizeOf(trip.request);
    const atMostMs = Math.max(0, Math.min(pauseMs, remainingMs(trip)));
    try {
      await room.wait({ slot: trip.slot, owner, forStream, sizeBytes: trip.sizeBytes, atMostMs });
    } catch (error) {
      throw isUncertainCommand(trip) ? outcomeUnknown(error) : error;
    }
  }

  /** Longer each time, and never the same for all who wait. */
  function nextPauseMs(trip: Trip): number {
    const fullMs = Math.min(lastPauseMs, firstPauseMs * 2 ** trip.pauses);
    trip.pauses += 1;
    return fullMs * (0.5 + random() / 2);
  }

  function checkTime(trip: Trip): void {
    if (!draining && remainingMs(trip) > 0) return;
    if (isUncertainCommand(trip)) throw outcomeUnknown();
    if (draining) throw new GuildhallError("DRAINING", "the router is stopping", { retryAfterMs });
    throw new GuildhallError("UNAVAILABLE", `no host served slot ${trip.slot} in time`, { retryAfterMs });
  }

  /** What to do after an attempt: the answer to hand on, or undefined to go on. */
  async function conclude(trip: Trip, owner: MapEntry, verdict: Verdict): Promise<Answer | undefined> {
    if (verdict.kind === "answered") return certainAnswer(trip, verdict.answer);
    if (verdict.kind === "impossible") throw verdict.error;
    onRetry(verdict.kind);
    if (verdict.kind === "not-owner") learn(verdict.notOwner);
    if (verdict.kind === "unknown") trip.uncertain = true;
    if (verdict.kind === "refused" && !isUncertainCommand(trip)) {
      if (verdict.passing !== "with-its-owner") trip.refusals += 1;
      if (verdict.passing === "no" || trip.refusals > maxRefusals) return verdict.answer;
    }
    if (sameOwner(owner, map.ownerOf(trip.slot))) await wait(trip, owner, false, nextPauseMs(trip));
    return undefined;
  }

  return {
    async forward(request, slot, deadlineMs) {
      const trip: Trip = { request, slot, deadlineMs, uncertain: false, refusals: 0, pauses: 0, sizeBytes: undefined };
      for (;;) {
        checkTime(trip);
        const owner = map.ownerOf(slot);
        if (owner !== undefined && hosts.to(owner.address).connected) {
          const timeoutMs = Math.max(1, Math.ceil(remainingMs(trip)));
          const outcome = await attempts.send(request, slot, owner, timeoutMs);
          const answer = await conclude(trip, owner, judge(outcome));
          if (answer !== undefined) return answer;
        } else {
          await wait(trip, owner, true, remainingMs(trip));
        }
      }
    },
    ownersChanged() {
      attempts.ownersChanged();
      room.ownersChanged(map.ownerOf);
    },
    drain() {
      draining = true;
      room.empty();
    },
    sent: attempts.count,
  };
}

/** A refusal of one copy says nothing of an earlier one that may still come; nor does that there was nothing to change. */
function certainAnswer(trip: Trip, answer: Answer): Answer {
  const isRemembered = answer.$case === "command" && answer.value.position !== undefined;
  if (isUncertainCommand(trip) && !isRemembered) throw outcomeUnknown();
  return answer;
}

function isUncertainCommand({ uncertain, request }: Trip): boolean {
  return uncertain && request.body?.$case === "command";
}

function outcomeUnknown(cause?: unknown): GuildhallError {
  return new GuildhallError("OUTCOME_UNKNOWN", "a host may have done it; none could be asked in time", { cause });
}
