import { GuildhallError } from "@guildhall/errors";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Identity } from "../auth/authenticator.ts";
import type { ApiContext } from "../context.ts";
import { bucketOf, globalLimit, invalidTokenLimit, limitHeaders, limits } from "../limits/limits.ts";
import type { RateLimiter, Taken } from "../limits/rate-limiter.ts";
import { paramsOf, type Route } from "../routes/route.ts";
import { jsonAnswer, sendAnswer } from "./answer.ts";
import { refuseContentType } from "./body.ts";
import { inSeconds, viaHeader } from "./error-answer.ts";

/** Decides, before a body is read, whether a request goes on; false when it has been answered. */
export type Admit = (request: FastifyRequest, reply: FastifyReply) => Promise<boolean>;

/** Makes the admission of one route: the token, who may call, the limits, the type of the body. */
export function makeAdmission(route: Route, context: ApiContext): Admit {
  const { limiter } = context;
  const takeLimits = limiter === undefined ? undefined : makeLimits(route, limiter, context.clock.nowMs);
  return async (request, reply) => {
    const identity = await identify(route, context, request);
    request.identity = identity;
    if (takeLimits !== undefined && !(await takeLimits(request, reply))) return false;
    refuseCaller(route, identity);
    if (route.body !== undefined) refuseContentType(request);
    return true;
  };
}

async function identify(route: Route, context: ApiContext, request: FastifyRequest): Promise<Identity | undefined> {
  if (route.caller === "nobody") return undefined;
  const header = request.headers.authorization;
  if (header === undefined && route.caller === "anyone") return undefined;
  const { authenticator, limiter } = context;
  const key = `invalid:${request.ip}`;
  const found = authenticator.identify(header ?? "", async () => {
    const taken = await limiter?.take(key, invalidTokenLimit, 0);
    if (taken?.allowed !== false) return;
    const retryAfterMs = taken.resetAtMs - context.clock.nowMs();
    throw new GuildhallError("RATE_LIMITED", "too many invalid tokens", { retryAfterMs });
  });
  const identity = found instanceof Promise ? await found : found;
  if (identity !== undefined) return identity;
  await limiter?.take(key, invalidTokenLimit);
  throw new GuildhallError("UNAUTHORIZED", "no valid token");
}

function refuseCaller({ caller }: Route, identity: Identity | undefined): void {
  const isBot = identity?.account.profile?.bot === true;
  if (caller === "bot" && !isBot) throw new GuildhallError("BOTS_ONLY", "a person called a route for bots");
  if (caller === "person" && isBot) throw new GuildhallError("USERS_ONLY", "a bot called a route for people");
}

function makeLimits(route: Route, limiter: RateLimiter, nowMs: () => number): Admit {
  const limit = limits[route.limit];
  const bucket = bucketOf(route.method, route.path);
  // Channels and guilds have buckets of their own.
  const [first] = paramsOf(route.path);
  const major = first === "c" || first === "g" ? first : undefined;
  return async (request, reply) => {
    const who = request.identity?.userId ?? request.ip;
    const overall = await limiter.take(`global:${who}`, globalLimit);
    if (!overall.allowed) return refuse(reply, overall, nowMs(), true);
    const resource = major === undefined ? "" : (request.params as Record<string, string>)[major];
    const taken = await limiter.take(`${bucket}:${resource}:${who}`, limit);
    const now = nowMs();
    reply.headers(limitHeaders(bucket, limit, taken, now));
    return taken.allowed || refuse(reply, taken, now, false);
  };
}

function refuse(reply: FastifyReply, { resetAtMs }: Taken, nowMs: number, global: boolean): false {
  const retryMs = Math.max(1, Math.ceil(resetAtMs - nowMs));
  reply.headers({
    "retry-after": inSeconds(retryMs),
    "x-ratelimit-scope": global ? "global" : "user",
    ...(global && { "x-ratelimit-global": "true" }),
    via: viaHeader,
  });
  const message = "You are being rate limited.";
  sendAnswer(reply, jsonAnswer(429, { message, retry_after: retryMs / 1000, global }));
  return false;
}
