export { readConfig, type UserConfig } from "./config.ts";
export { createUserService, type UserService } from "./service.ts";
