import type { TopicRequest } from "@guildhall/proto";
import type { MapEntry, ShardMap } from "@guildhall/slots";
import type { HostPool } from "./host-pool.ts";
import type { Timers } from "./ports.ts";
import type { Outcome } from "./verdict.ts";

/** A host that lost a slot and lives answers what waits there with the winner's name within 1 s. */
const graceMs = 1_500;

/** Requests written to hosts that have not answered. */
export interface Attempts {
  /** Sends to the owner; resolves to the outcome, whatever it is. */
  send(request: TopicRequest, slot: number, owner: MapEntry, timeoutMs: number): Promise<Outcome>;
  /**
   * Gives commands whose slot is another process's now `graceMs` to be answered: a hung host must not hold them. What
   * changes nothing is given up at once, and asked of the new owner.
   */
  ownersChanged(): void;
  count(): number;
}

interface Attempt {
  readonly slot: number;
  readonly owner: MapEntry;
  readonly isCommand: boolean;
  superseded: boolean;
  readonly abandon: () => void;
}

/** Makes an empty set of attempts. */
export function makeAttempts({ timers, map, hosts }: { timers: Timers; map: ShardMap; hosts: HostPool }): Attempts {
  const open = new Set<Attempt>();
  return {
    send(request, slot, owner, timeoutMs) {
      return new Promise((resolve) => {
        const isCommand = request.body?.$case === "command";
        const abandon = (): void => resolve({ superseded: true });
        const attempt: Attempt = { slot, owner, isCommand, superseded: false, abandon };
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
        if (attempt.superseded || sameProcess(attempt.owner, map.ownerOf(attempt.slot))) continue;
        attempt.superseded = true;
        // The timer may outlive the answer: abandoning what is answered does nothing.
        if (attempt.isCommand) timers.after(graceMs, attempt.abandon);
        else attempt.abandon();
      }
    },
    count: () => open.size,
  };
}

/** A split, or a shard taken back, changes the epoch but not who has the request. */
function sameProcess(a: MapEntry, b: MapEntry | undefined): boolean {
  return a.incarnation === b?.incarnation && a.address === b.address;
}
