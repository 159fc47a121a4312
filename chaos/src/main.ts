import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { runChaos } from "./chaos.ts";
import { isClean, renderReport } from "./report.ts";

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0 is expected");
  return value;
}

const program = new Command("chaos")
  .description("Runs a fleet under load, does random faults to it, and checks that nobody loses anything.")
  .option("--minutes <number>", "how long people post", positive, 2)
  .option("--seed <number>", "which faults, in which order", positive, Date.now() % 1_000_000)
  .option("--out <folder>", "where the report goes", "chaos/results")
  .option("--sessions <number>", "sessions that listen", positive, 210)
  .option("--rate <number>", "messages a second", positive, 60)
  .option("--guilds <number>", "guilds", positive, 8)
  .option("--faults <number>", "the most faults there may be", positive, 500)
  .parse();
const { minutes, seed, out, sessions, rate, guilds, faults } = program.opts<{
  minutes: number;
  seed: number;
  out: string;
  sessions: number;
  rate: number;
  guilds: number;
  faults: number;
}>();
const folder = resolve(out);
mkdirSync(folder, { recursive: true });
const logFile = join(folder, `chaos-${seed}.log`);
writeFileSync(logFile, "");
const startMs = Date.now();
const report = await runChaos({
  minutes,
  seed,
  sessions,
  perSecond: rate,
  guilds,
  faults,
  say: (line) => {
    const text = `${((Date.now() - startMs) / 1_000).toFixed(1).padStart(6)}  ${line}\n`;
    process.stdout.write(text);
    appendFileSync(logFile, text);
  },
  log: (line) => appendFileSync(logFile, line),
});
writeFileSync(join(folder, `chaos-${seed}.json`), `${JSON.stringify(report, undefined, 2)}\n`);
writeFileSync(join(folder, `chaos-${seed}.md`), renderReport(report));
process.stdout.write(`\n${renderReport(report)}\nreport: ${join(folder, `chaos-${seed}.md`)}\n`);
process.exitCode = isClean(report) ? 0 : 1;
