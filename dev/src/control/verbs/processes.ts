import type { FleetContext } from "../../context.ts";
import { badField, flag, readForm, text } from "../forms.ts";
import type { Verbs } from "../verbs.ts";

const nameField = text(/^[\w-]{1,64}$/, 'must be the name of a process such as "gateway-0"');

/** Taking single processes out of service, and in again. */
export function processVerbs({ crew, steward }: FleetContext): Verbs<"drain"> {
  return {
    async drain(body) {
      const { name, dryRun } = readForm(body, { name: nameField, dryRun: flag });
      if (!crew.planned.includes(name))
        throw badField("name", `no process ${name}: there are ${crew.planned.join(", ")}`);
      if (dryRun) return { dryRun, lines: [`would restart ${name}: ${await steward.foreseeRenewal(name)}`] };
      const { how, tookMs } = await steward.renew(name);
      return { dryRun, lines: [`restarted ${name} in ${(tookMs / 1_000).toFixed(1)} s: ${how}`] };
    },
  };
}
