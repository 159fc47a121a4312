import type { TopicRequest } from "@guildhall/proto";
import type { MapEntry, ShardMap } from "@guildhall/slots";
import type { HostPool } from "./host-pool.ts";
import type { Timers } from "./ports.ts";
import type { Outcome } from "./verdict.ts";
import { sameOwner } from "./waiting-room.ts";

/** A host that lost a slot hands what it buffered to the winner, or refuses it, within 1 s. */
const graceMs = 1_500;

/** Requests written to hosts that have not answered. */
export interface Attempts {
  /** Sends to the owner; resolves to the outcome, whatever it is. */
  send(request: TopicRequest, slot: number, owner: MapEntry, timeoutMs: number): Promise<Outcome>;
  /** Gives those whose slot has another owner now `graceMs` to be answered: a hung host must not hold them. */
  ownersChanged(): void;
  count(): number;
}

interface Attempt {
  readonly slot: number;
  readonly owner: MapEntry;
  superseded: boolean;
  readonly abandon: () => void;
}

/** Makes an empty set of attempts. */
export function makeAttempts({ timers, map, hosts }: { timers: Timers; map: ShardMap; hosts: HostPool }): Attempts {
  const open = new Set<Attempt>();
  return {
    send(request, slot, owner, timeoutMs) {
      return new Promise((resolve) => {
        const attempt: Attempt = { slot, owner, superseded: false, abandon: () => resolve({ superseded: true }) };
        const end = (outcome: Outcome): void => {
          open.delete(attempt);
          resolve(outcome);
        };
        open.add(attempt);
        hosts
          .to(owner.address)
          .send({ ...request, timeoutMs }, timeoutMs)
          .then(
            (answer) => end({ answer }),
            (error: unknown) => end({ error }),
          );
      });
    },
    ownersChanged() {
      for (const attempt of open) {
        if (attempt.superseded || sameOwner(attempt.owner, map.ownerOf(attempt.slot))) continue;
        attempt.superseded = true;
        // The timer may outlive the answer: abandoning what is answered does nothing.
        timers.after(graceMs, attempt.abandon);
      }
    },
    count: () => open.size,
  };
}
