import type { FleetContext } from "../../context.ts";
import type { Done } from "../api.ts";
import { flag, readForm } from "../forms.ts";
import type { Verbs } from "../verbs.ts";

/** Holding the whole fleet still. */
export function fleetVerbs({ reconciler, output }: FleetContext): Verbs<"pause" | "resume"> {
  const setPaused = (body: unknown, paused: boolean): Done => {
    const { dryRun } = readForm(body, { dryRun: flag });
    const { spec } = reconciler.document;
    const done = paused
      ? "paused: no shard moves or splits, no process is started, stopped or restarted but to mend what broke"
      : "resumed: the fleet follows its document";
    const until =
      spec.paused === paused ? [] : [`the document says paused: ${spec.paused}; its next edit counts again`];
    if (reconciler.wishes.spec.paused === paused)
      return { dryRun, lines: [`it is ${paused ? "" : "not "}paused already`] };
    if (dryRun) return { dryRun, lines: [`would be ${done}`] };
    reconciler.setPaused(paused);
    output.say(done);
    return { dryRun, lines: [done, ...until] };
  };
  return {
    pause: async (body) => setPaused(body, true),
    resume: async (body) => setPaused(body, false),
  };
}
