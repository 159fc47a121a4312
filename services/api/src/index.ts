export { type ApiConfig, readConfig } from "./config.ts";
export type { Caller, Method, Route } from "./routes/route.ts";
export { routes } from "./routes/routes.ts";
export { type ApiService, createApiService } from "./service.ts";
