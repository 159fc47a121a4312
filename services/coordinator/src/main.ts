import { runService } from "@guildhall/lifecycle";
import { createCoordinatorService, readConfig } from "./index.ts";

await runService("coordinator", ({ env }) => createCoordinatorService(readConfig(env)));
