export { type RouterConfig, readConfig } from "./config.ts";
export { createRouterService, type RouterService } from "./service.ts";
