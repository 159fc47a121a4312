import { runService } from "@guildhall/lifecycle";
import { readDataConfig } from "./config.ts";
import { createDataService } from "./service.ts";

await runService("data", ({ env }) => {
  const config = readDataConfig(env);
  return createDataService(config, {
    onFatal({ code, message }) {
      process.stderr.write(`${config.name}: ${code}: ${message}\n`);
      process.exit(1);
    },
  });
});
