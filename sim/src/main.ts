import { Command, InvalidArgumentError } from "commander";
import { type ProfileName, profileNames } from "./faults/profiles.ts";
import { describeReport } from "./run/describe-report.ts";
import { runSeed, type SeedReport } from "./run/run-seed.ts";

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly profile?: ProfileName;
  readonly trace: boolean;
}

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is needed");
  return Number(text);
};
const profile = (text: string): ProfileName => {
  const found = profileNames.find((name) => name === text);
  if (found === undefined) throw new InvalidArgumentError(`one of ${profileNames.join(", ")} is needed`);
  return found;
};
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function simulate({ seeds, from, seed, profile: asked, trace }: Options): Promise<void> {
  const first = seed ?? from;
  const count = seed === undefined ? seeds : 1;
  const startedMs = performance.now();
  const totals = { events: 0, commands: 0, acked: 0, failed: 0 };
  for (let number = first; number < first + count; number++) {
    const options = { seed: number, isTracing: trace, ...(asked && { profile: asked }) };
    const report: SeedReport = await runSeed(options);
    totals.events += report.events;
    totals.commands += report.commands;
    totals.acked += report.acked;
    if (trace) for (const line of report.trace) say(line);
    if (report.violations.length > 0) {
      totals.failed++;
      say(describeReport(report));
    } else if (count === 1) say(describeReport(report));
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  say(
    `${count} seeds, ${totals.failed} failed; ${totals.events} events, ${totals.acked} of ${totals.commands} commands ` +
      `acked; ${seconds.toFixed(1)} s, ${((seconds / count) * 1_000).toFixed(0)} ms a seed`,
  );
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

await new Command("simulate")
  .description("Runs the platform's logic through seeded faults, and checks its promises.")
  .option("--seeds <count>", "how many seeds", whole, 200)
  .option("--from <seed>", "the first seed", whole, 1)
  .option("--seed <seed>", "this seed only", whole)
  .option("--profile <name>", `instead of each seed's own: ${profileNames.join(", ")}`, profile)
  .option("--trace", "show everything that happens", false)
  .action(simulate)
  .parseAsync();
