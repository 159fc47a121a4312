import { runService } from "@guildhall/lifecycle";
import { createCoordinatorService, readConfig } from "./index.ts";

await runService("coordinator", ({ env }) => {
  const config = readConfig(env);
  // Nothing is left to be drained: whatever this process would still answer, another one answers.
  const onDeposed = ({ message }: Error): void => {
    process.stderr.write(`${config.name}: FENCED: ${message}\n`);
    process.exit(1);
  };
  return createCoordinatorService(config, { onDeposed });
});
