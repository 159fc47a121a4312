export { type DataConfig, readDataConfig } from "./config.ts";
export { createDataService, type DataServiceOptions } from "./service.ts";
