import { resolve } from "node:path";
import type { Done } from "@guildhall/dev/control";
import type { Command } from "commander";
import { typedIn } from "../config.ts";
import type { Output } from "../terminal.ts";
import { type ControlClient, isFleetRunning } from "./control-client.ts";
import { dryRunOption, type Format, limit, messageIdArgument, outputOption, shardArgument } from "./options.ts";
import { renderSessions, renderTrace } from "./render-others.ts";
import { renderHosts, renderMove, renderPlannedMoves, renderShards } from "./render-shards.ts";

/** What commands need: the fleet's control socket, and where to write. */
export interface CommandContext {
  readonly client: () => ControlClient;
  readonly output: Output;
}

interface Shown {
  readonly output: Format;
}

interface Changing extends Shown {
  readonly dryRun: boolean;
}

/** Writes an answer as JSON, or as `render` shows it. */
export function show<T>(output: Output, format: Format, answer: T, render: (answer: T) => string): void {
  output.line(format === "json" ? JSON.stringify(answer, null, 2) : render(answer));
}

const renderDone = ({ lines }: Done): string => lines.join("\n");

/** shards, hosts, sessions, trace: what is so. */
export function addViews(program: Command, { client, output }: CommandContext): void {
  program
    .command("shards")
    .description("who owns which shard, and how a doubling stands")
    .addOption(outputOption())
    .action(async ({ output: format }: Shown) => show(output, format, await client().call("shards", {}), renderShards));
  program
    .command("hosts")
    .description("hosts with their load, the latest moves, and why shards moved or stayed")
    .addOption(outputOption())
    .action(async ({ output: format }: Shown) => show(output, format, await client().call("hosts", {}), renderHosts));
  program
    .command("sessions")
    .description("gateways, and their latest sessions")
    .option("--limit <n>", "show so many of each gateway; 0 = only the counts", limit, 20)
    .addOption(outputOption())
    .action(async ({ limit: most, output: format }: Shown & { readonly limit: number }) => {
      const answer = await client().call("sessions", { limit: most });
      show(output, format, answer, ({ gateways }) => renderSessions(gateways, Date.now()));
    });
  program
    .command("trace")
    .description("where a message went, and when")
    .argument("<message>", "its id", messageIdArgument)
    .addOption(outputOption())
    .action(async (messageId: string, { output: format }: Shown) =>
      show(output, format, await client().call("trace", { messageId }), renderTrace),
    );
}

/** move, rebalance: which host has what. */
export function addMoves(program: Command, { client, output }: CommandContext): void {
  program
    .command("move")
    .description("hand a shard over to another host")
    .argument("<shard>", 'as "3/8"', shardArgument)
    .argument("<host>", 'as "guild-1"')
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async (shard: string, host: string, { dryRun, output: format }: Changing) => {
      const move = await client().call("move", { shard, host, dryRun });
      show(output, format, move, renderMove);
      if (!dryRun && move.state !== "Done") process.exitCode = 1;
    });
  program
    .command("rebalance")
    .description("even out the load of the hosts now, without waiting for a window or a cooldown")
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async ({ dryRun, output: format }: Changing) => {
      const answer = await client().call("rebalance", { dryRun });
      show(output, format, answer, ({ moves, reason }) => {
        if (moves.length === 0) return `nothing to move: ${reason || "the hosts are even"}`;
        return `${dryRun ? "would move" : "moves"}${reason === "" ? "" : ` (${reason})`}\n\n${renderPlannedMoves(moves)}`;
      });
    });
}

/** drain, pause, resume: holding parts of the fleet, or all of it. */
export function addHolds(program: Command, { client, output }: CommandContext): void {
  program
    .command("drain")
    .description("restart a process, after its sessions or shards went to others; resolves when it is back")
    .argument("<process>", 'as "gateway-0" or "guild-1"')
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async (name: string, { dryRun, output: format }: Changing) =>
      show(output, format, await client().call("drain", { name, dryRun }), renderDone),
    );
  const hold = (verb: "pause" | "resume", description: string) =>
    program
      .command(verb)
      .description(description)
      .addOption(dryRunOption())
      .addOption(outputOption())
      .action(async ({ dryRun, output: format }: Changing) =>
        show(output, format, await client().call(verb, { dryRun }), renderDone),
      );
  hold("pause", "change nothing in the fleet until `resume`, or the document's next edit, but mend what breaks");
  hold("resume", "let the fleet follow its document again");
}

/** backup, restore. */
export function addBackups(program: Command, { client, output }: CommandContext): void {
  program
    .command("backup")
    .description("copy the fleet's state into a folder while it runs")
    .argument("<folder>", "a folder that does not exist yet")
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async (folder: string, { dryRun, output: format }: Changing) =>
      show(output, format, await client().call("backup", { folder: resolve(typedIn(), folder), dryRun }), renderDone),
    );
  program
    .command("restore")
    .description("put a backup in the place of the fleet's state, whether it runs or not; the state before is kept")
    .argument("<folder>", "what `backup` has made")
    .addOption(dryRunOption())
    .addOption(outputOption())
    .action(async (folder: string, { dryRun, output: format }: Changing) =>
      show(output, format, await restore(client(), resolve(typedIn(), folder), dryRun), renderDone),
    );
}

/** By the fleet that runs, which stops and starts for it; or by this process, when none does. */
async function restore(client: ControlClient, folder: string, dryRun: boolean): Promise<Done> {
  const { state } = client;
  if (await isFleetRunning(state)) return await client.call("restore", { folder, dryRun });
  const { restoreOffline, verifyForRestore } = await import("@guildhall/dev/restore");
  if (dryRun) {
    const { files, madeAt } = await verifyForRestore(folder);
    const lines = [
      `${folder} is whole: ${files.length} files of ${madeAt}`,
      `would replace the state in ${state} by it`,
    ];
    return { dryRun, lines };
  }
  const lines: string[] = [];
  await restoreOffline(state, folder, (line) => lines.push(line));
  return { dryRun, lines };
}
