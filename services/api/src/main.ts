import { runService } from "@guildhall/lifecycle";
import { createApiService, readConfig } from "./index.ts";

await runService("api", ({ env, stopping }) => createApiService(readConfig(env), stopping));
