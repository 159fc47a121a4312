import { runService } from "@guildhall/lifecycle";
import { createRouterService, readConfig } from "./index.ts";

await runService("router", ({ env }) => createRouterService(readConfig(env)));
