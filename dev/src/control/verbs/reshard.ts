import { forbiddenChanges } from "@guildhall/operator/plan";
import type { ReshardStatus } from "@guildhall/proto";
import { isShardCount, slotCount } from "@guildhall/slots";
import type { FleetContext } from "../../context.ts";
import { badField, flag, optional, readForm, text, whole } from "../forms.ts";
import type { Verbs } from "../verbs.ts";
import { viewPlan, viewReshard } from "../views.ts";

type ReshardVerb =
  | "reshard-plan"
  | "reshard-status"
  | "reshard-apply"
  | "reshard-approve"
  | "reshard-pause"
  | "reshard-resume"
  | "reshard-cancel"
  | "reshard-undo";

const count = whole(1, slotCount);
const hashField = text(/^[\w-]{1,128}$/, "must be the hash of a plan, as `guildhall reshard plan` shows it");

/** The conversation about doubling. */
export function reshardVerbs({ coordinator, reconciler }: FleetContext): Verbs<ReshardVerb> {
  const drive = async (ask: { verb: string; to?: number; hash?: string; dryRun: boolean }) =>
    await (await coordinator.client()).call("driveReshard", { to: 0, hash: "", ...ask });
  const status = async (): Promise<ReshardStatus | undefined> =>
    (await (await coordinator.client()).call("describeFleet", {})).reshard;
  const simple = (verb: string) => async (body: unknown) => {
    const { dryRun } = readForm(body, { dryRun: flag });
    return viewReshard(await drive({ verb, dryRun }));
  };
  return {
    async "reshard-plan"(body) {
      const { to } = readForm(body, { to: optional(count) });
      const seen = await status();
      const wanted = to ?? 2 * (seen?.serving ?? 0);
      checkTarget(wanted, seen);
      return viewPlan(await (await coordinator.client()).call("planReshard", { to: wanted }));
    },
    async "reshard-status"(body) {
      readForm(body, {});
      return viewReshard(await status());
    },
    async "reshard-apply"(body) {
      const { to, dryRun } = readForm(body, { to: count, dryRun: flag });
      checkTarget(to, await status());
      return reconciler.alone(async () => {
        const answer = await drive({ verb: "apply", to, dryRun });
        // What is wanted from now on, whatever the document says: else the next look would want the old number back.
        if (!dryRun) reconciler.setShards(to);
        return viewReshard(answer);
      });
    },
    async "reshard-approve"(body) {
      const { hash, dryRun } = readForm(body, { hash: optional(hashField), dryRun: flag });
      const approved = hash ?? (await status())?.planHash ?? "";
      if (approved === "")
        throw badField("hash", "there is no plan to approve: `guildhall reshard apply --to N` makes one");
      return viewReshard(await drive({ verb: "approve", hash: approved, dryRun }));
    },
    "reshard-pause": simple("pause"),
    "reshard-resume": simple("resume"),
    async "reshard-cancel"(body) {
      const { dryRun } = readForm(body, { dryRun: flag });
      return reconciler.alone(async () => {
        const answer = await drive({ verb: "cancel", dryRun });
        // What is split is not merged again.
        if (!dryRun) reconciler.settleShards(answer.phase === "Splitting" ? answer.to : answer.serving);
        return viewReshard(answer);
      });
    },
    "reshard-undo": simple("undo"),
  };
}

/** Refuses what no fleet with so many shards can be brought to, in the words in which the document's field is refused. */
function checkTarget(to: number, seen: ReshardStatus | undefined): void {
  if (!isShardCount(to)) throw badField("to", `must be a power of two from 1 to ${slotCount}`);
  const [problem] = forbiddenChanges([{ path: "spec.shards", from: seen?.serving ?? 0, to }], seen);
  if (problem !== undefined) throw badField("to", problem.message);
}
