import type { Identity } from "../auth/authenticator.ts";
import type { Route } from "../routes/route.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose token the request carries. */
    identity: Identity | undefined;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}
