import { runService } from "@guildhall/lifecycle";
import { createGatewayService, readConfig } from "./index.ts";

await runService("gateway", ({ env, handedSockets }) => createGatewayService(readConfig(env), { handedSockets }));
