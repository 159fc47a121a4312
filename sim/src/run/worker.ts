import { runSeed, type SeedOptions } from "./run-seed.ts";

// A process of the pool: each message is a seed to run, each answer its report.
process.on("message", (options: SeedOptions) => {
  runSeed(options).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      process.stderr.write(`seed ${options.seed}: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    },
  );
});
