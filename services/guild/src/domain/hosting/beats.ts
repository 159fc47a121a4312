import type { Head } from "@guildhall/proto";
import type { Bus } from "../ports.ts";

/** The numbered beats of a host: each names the heads that changed since the last one. */
export interface Beats {
  /** A topic went on. */
  note(head: Head): void;
  beat(): void;
}

/** How often a host beats. */
export const beatEveryMs = 250;

/** Makes the beats of a source of events ("guild-0/<incarnation>"). */
export function makeBeats(source: string, bus: Pick<Bus, "publish">): Beats {
  let heads = new Map<bigint, Head>();
  let number = 0n;
  return {
    note(head) {
      heads.set(head.topic, head);
    },
    beat() {
      number++;
      const changed = [...heads.values()];
      heads = new Map();
      bus.publish([{ topic: 0n, of: { $case: "beat", value: { source, number, heads: changed } }, source }]);
    },
  };
}
