export { type CoordinatorConfig, readConfig } from "./config.ts";
export { type CoordinatorService, createCoordinatorService } from "./service.ts";
