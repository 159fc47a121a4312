import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { type ProfileName, profileNames } from "./faults/profiles.ts";
import { describeReport, describeTotals, makeTotals } from "./run/describe-report.ts";
import { runInPool } from "./run/pool.ts";
import { runSeed, type SeedOptions, type SeedReport } from "./run/run-seed.ts";

const journalChoices = ["refusing", "confirming", "both"] as const;
type JournalChoice = (typeof journalChoices)[number];

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly profile?: ProfileName;
  readonly journal: JournalChoice;
  readonly workers?: number;
  readonly trace: boolean;
}

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("a whole number is needed");
  return Number(text);
};
const oneOf =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`one of ${choices.join(", ")} is needed`);
    return found;
  };
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Fewer than this are run in this process: starting others takes longer. */
const fewSeeds = 20;
const mostWorkers = 8;

async function simulate({ seeds, from, seed, profile, journal, workers, trace }: Options): Promise<void> {
  const first = seed ?? from;
  const count = seed === undefined ? seeds : 1;
  const startedMs = performance.now();
  const totals = makeTotals();
  const chosen = { isTracing: trace, ...(profile && { profile }), ...(journal !== "both" && { journal }) };
  const runs = Array.from({ length: count }, (_, place): SeedOptions => ({ ...chosen, seed: first + place }));
  const onReport = (report: SeedReport): void => {
    totals.add(report);
    for (const line of report.trace) say(line);
    if (report.violations.length > 0 || count === 1) say(describeReport(report));
  };
  const inPool = workers ?? (count < fewSeeds || trace ? 1 : Math.min(mostWorkers, availableParallelism()));
  if (inPool > 1) await runInPool(runs, inPool, onReport);
  else for (const run of runs) onReport(await runSeed(run));
  say(describeTotals(totals, (performance.now() - startedMs) / 1_000));
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

await new Command("simulate")
  .description("Runs the platform's logic through seeded faults, and checks its promises.")
  .option("--seeds <count>", "how many seeds", whole, 200)
  .option("--from <seed>", "the first seed", whole, 1)
  .option("--seed <seed>", "this seed only", whole)
  .option("--profile <name>", `instead of each seed's own: ${profileNames.join(", ")}`, oneOf(profileNames))
  .option("--journal <kind>", `${journalChoices.join(", ")} (each seed its own)`, oneOf(journalChoices), "both")
  .option("--workers <count>", "processes that share the seeds", whole)
  .option("--trace", "show everything that happens", false)
  .action(simulate)
  .parseAsync();
