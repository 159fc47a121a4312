import { setTimeout as delay } from "node:timers/promises";
import type { ReshardView } from "@guildhall/dev/control";
import type { Command } from "commander";
import type { Output } from "../terminal.ts";
import type { ControlClient } from "./control-client.ts";
import { type CommandContext, show } from "./fleet-commands.ts";
import { dryRunOption, type Format, outputOption, shardCount } from "./options.ts";
import { renderPlan, renderReshard } from "./render-shards.ts";

interface Shown {
  readonly output: Format;
}

interface Changing extends Shown {
  readonly dryRun: boolean;
}

const pollMs = 250;
const ends = new Set(["Completed", "Cancelled", "Undone"]);

/** reshard …: doubling the number of shards. */
export function addReshard(program: Command, context: CommandContext): void {
  const reshard = program.command("reshard").description("double the number of shards while they serve");
  addReshardViews(reshard, context);
  addApply(reshard, context);
  addApprove(reshard, context);
  addUndo(reshard, context);
  for (const [verb, description] of [
    ["pause", "begin no further split or move"],
    ["resume", "go on after `pause`"],
    ["cancel", "give it up, as long as no shard has moved; what is split stays split"],
  ] as const) {
    reshard
      .command(verb)
      .description(description)
      .addOption(dryRunOption())
      .addOption(outputOption())
      .action(async ({ dryRun, output: format }: Changing) => {
        const status = await context.client().call(`reshard-${verb}`, { dryRun });
        show(context.output, format, status, would(dryRun, verb));
      });
  }
}

function addReshardViews(reshard: Command, { client, output }: CommandContext): void {
  reshard
    .command("plan")
    .description("what doubling would do: which shard splits where, and which move then")
    .option("--to <n>", "number of shards (default: twice what serve)", shardCount)
    .addOption(outputOption())
    .action(async ({ to, output: format }: Shown & { readonly to?: number }) =>
      show(output, format, await client().call("reshard-plan", to === undefined ? {} : { to }), renderPlan),
    );
  reshard
    .command("status")
    .description("how it stands")
    .addOption(outputOption())
    .action(async ({ output: format }: Shown) =>
      show(output, format, await client().call("reshard-status", {}), renderReshard),
    );
}

function addApply(reshard: Command, { client, output }: CommandContext): void {
  interface Options extends Changing {
    readonly to: number;
    readonly approve: boolean;
    readonly wait: boolean;
  }
  reshard
    .command("apply")
    .description("double to so many shards, and wait until that is done")
    .requiredOption("--to <n>", "number of shards: twice what serve", shardCount)
    .option("--approve", "approve the plan that is shown", false)
    .option("--no-wait", "return when it is planned")
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async ({ to, approve, wait, dryRun, output: format }: Options) => {
      const fleet = client();
      const plan = await fleet.call("reshard-plan", { to });
      if (format === "table") output.line(renderPlan(plan));
      let status = await fleet.call("reshard-apply", { to, dryRun });
      if (approve && !dryRun) status = await fleet.call("reshard-approve", { hash: status.planHash || plan.hash });
      if (wait && !dryRun) status = await waitForEnd(fleet, output, to);
      show(output, format, status, would(dryRun, `double to ${to}`));
      if (wait && !dryRun && status.phase !== "Completed") process.exitCode = 1;
    });
}

function addApprove(reshard: Command, { client, output }: CommandContext): void {
  reshard
    .command("approve")
    .description("let a plan begin; a plan that changes needs a new approval")
    .argument("[hash]", "of the plan (default: the one that is planned now)")
    .option("--wait", "wait until it is done", false)
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(
      async (hash: string | undefined, { wait, dryRun, output: format }: Changing & { readonly wait: boolean }) => {
        const fleet = client();
        const approved = await fleet.call("reshard-approve", { ...(hash === undefined ? {} : { hash }), dryRun });
        const status = wait && !dryRun ? await waitForEnd(fleet, output, approved.to) : approved;
        show(output, format, status, would(dryRun, `approve plan ${status.planHash}`));
      },
    );
}

function addUndo(reshard: Command, { client, output }: CommandContext): void {
  reshard
    .command("undo")
    .description("move what has moved back to where it was split; the number of shards stays doubled")
    .option("--no-wait", "return when it has begun")
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async ({ wait, dryRun, output: format }: Changing & { readonly wait: boolean }) => {
      const fleet = client();
      const begun = await fleet.call("reshard-undo", { dryRun });
      const status = wait && !dryRun ? await waitForEnd(fleet, output, begun.to, "Undone") : begun;
      show(output, format, status, would(dryRun, "undo it"));
    });
}

function would(dryRun: boolean, what: string): (status: ReshardView) => string {
  return (status) => (dryRun ? `would ${what}; now: ${renderReshard(status)}` : renderReshard(status));
}

/** Shows each change of a reshard to `to` shards until it has ended. Ctrl-C ends the watching only. */
async function waitForEnd(fleet: ControlClient, output: Output, to: number, end?: string): Promise<ReshardView> {
  let shown = "";
  for (;;) {
    const status = await fleet.call("reshard-status", {});
    const line = renderReshard(status);
    if (line !== shown) output.note(line);
    shown = line;
    if (status.to === to && (end === undefined ? ends.has(status.phase) : status.phase === end)) return status;
    await delay(pollMs);
  }
}
