import { Argument, Command, InvalidArgumentError } from "commander";
import type { Bench } from "./benches/bench.ts";
import { failover } from "./benches/failover.ts";
import { fanout } from "./benches/fanout.ts";
import { history } from "./benches/history.ts";
import { identify } from "./benches/identify.ts";
import { idle } from "./benches/idle.ts";
import { latency } from "./benches/latency.ts";
import { move } from "./benches/move.ts";
import { reshard } from "./benches/reshard.ts";
import { rest } from "./benches/rest.ts";
import { resume } from "./benches/resume.ts";
import { rpc } from "./benches/rpc.ts";
import { type Figure, medianOfRuns, renderFigures, writeResult } from "./support/report.ts";

const benches: readonly Bench[] = [
  fanout,
  latency,
  rest,
  history,
  identify,
  idle,
  rpc,
  move,
  failover,
  reshard,
  resume,
];

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError("It must be 1 to 1000.");
  return value;
}

const names = ["all", ...benches.map(({ name }) => name)];
await new Command("bench")
  .description(
    `Measures a fleet of its own on this machine.\n\n${benches.map((b) => `  ${b.name}: ${b.what}`).join("\n")}`,
  )
  .addArgument(new Argument("<name...>", "what to measure").choices(names))
  .option("--runs <n>", "how often; the table shows the median", wholeNumber, 1)
  .option("--quiet <seconds>", "how long `idle` waits before it reads memory", wholeNumber, 60)
  .option("--moves <n>", "how many moves `move` makes", wholeNumber, 1000)
  .action(async (asked: string[], { runs, quiet, moves }: { runs: number; quiet: number; moves: number }) => {
    const chosen = asked.includes("all") ? benches : benches.filter(({ name }) => asked.includes(name));
    for (const bench of chosen) {
      const results: Figure[][] = [];
      for (let run = 1; run <= runs; run += 1) {
        process.stderr.write(`${bench.name}: run ${run} of ${runs}\n`);
        results.push(await bench.run({ quietMs: quiet * 1000, moves }));
      }
      process.stdout.write(`${renderFigures(bench.name, medianOfRuns(results))}\n`);
      writeResult(bench.name, results);
    }
  })
  .parseAsync();
