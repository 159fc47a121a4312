import type { Head } from "@guildhall/proto";
import type { Bus } from "../ports.ts";
import type { HostGuards } from "./host-guards.ts";

/** The numbered beats of a host: each names the heads that changed since the last one. */
export interface Beats {
  /** A topic went on. */
  note(head: Head): void;
  beat(): void;
}

/** How often a host beats. */
export const beatEveryMs = 250;

/** What beats are made of; `source` is "guild-0/<incarnation>". */
export interface BeatsOptions {
  readonly source: string;
  readonly bus: Pick<Bus, "publish">;
  /** Whether this host owns a topic now. It says nothing of others, and nothing yet of what is changing hands. */
  readonly owns: (topic: bigint) => "yes" | "no" | "unsure";
  readonly guards: Pick<HostGuards, "beats">;
}

/** Makes the beats of a host. */
export function makeBeats({ source, bus, owns, guards }: BeatsOptions): Beats {
  let heads = new Map<bigint, Head>();
  let number = 0n;
  return {
    note(head) {
      heads.set(head.topic, head);
    },
    beat() {
      number++;
      const changed: Head[] = [];
      const later = new Map<bigint, Head>();
      for (const head of guards.beats ? heads.values() : []) {
        const owned = owns(head.topic);
        if (owned === "yes") changed.push(head);
        else if (owned === "unsure") later.set(head.topic, head);
      }
      heads = later;
      bus.publish([{ topic: 0n, of: { $case: "beat", value: { source, number, heads: changed } }, source }]);
    },
  };
}
