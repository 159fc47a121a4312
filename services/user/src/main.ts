import { runService } from "@guildhall/lifecycle";
import { createUserService, readConfig } from "./index.ts";

await runService("user", ({ env }) => createUserService(readConfig(env)));
