export { type GuildConfig, readConfig } from "./config.ts";
export { createGuildService, type GuildService } from "./service.ts";
