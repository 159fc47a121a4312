export { type GatewayConfig, readConfig } from "./config.ts";
export { createGatewayService, type GatewayOverrides, type GatewayService } from "./service.ts";
