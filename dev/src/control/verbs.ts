import type { FleetContext } from "../context.ts";
import type { AnswerOf, ControlVerb } from "./api.ts";
import { backupVerbs } from "./verbs/backup.ts";
import { fleetVerbs } from "./verbs/fleet.ts";
import { processVerbs } from "./verbs/processes.ts";
import { reshardVerbs } from "./verbs/reshard.ts";
import { sessionVerbs } from "./verbs/sessions.ts";
import { shardVerbs } from "./verbs/shards.ts";
import { traceVerbs } from "./verbs/trace.ts";

/** Answers each verb. */
export type Verbs<V extends ControlVerb = ControlVerb> = {
  readonly [K in V]: (body: unknown) => Promise<AnswerOf<K>>;
};

/** Every verb of a running fleet. */
export function makeVerbs(context: FleetContext): Verbs {
  return {
    ...shardVerbs(context),
    ...reshardVerbs(context),
    ...sessionVerbs(context),
    ...processVerbs(context),
    ...fleetVerbs(context),
    ...traceVerbs(context),
    ...backupVerbs(context),
  };
}
