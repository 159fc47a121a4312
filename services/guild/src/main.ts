import { runService } from "@guildhall/lifecycle";
import { createGuildService, readConfig } from "./index.ts";

await runService("guild", ({ env, stopping }) => createGuildService(readConfig(env), stopping));
