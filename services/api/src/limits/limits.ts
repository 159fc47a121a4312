import { hash } from "node:crypto";
import type { RateLimit, Taken } from "./rate-limiter.ts";

/** All requests of one token, and of one address without a token. */
export const globalLimit: RateLimit = { limit: 50, windowMs: 1000 };

/** Questions about tokens that turned out not to be valid, of one address. */
export const invalidTokenLimit: RateLimit = { limit: 50, windowMs: 10_000 };

/** Buckets of routes: generous where Discord is strict, for libraries only follow the headers. */
export const limits = {
  read: { limit: 100, windowMs: 5000 },
  change: { limit: 50, windowMs: 5000 },
  message: { limit: 25, windowMs: 5000 },
  typing: { limit: 10, windowMs: 5000 },
  reaction: { limit: 20, windowMs: 5000 },
  makeGuild: { limit: 20, windowMs: 60_000 },
  account: { limit: 30, windowMs: 60_000 },
} as const satisfies Record<string, RateLimit>;

/** A name of `limits`. */
export type LimitName = keyof typeof limits;

/** The opaque name of a route's bucket: the same for every channel and guild. */
export function bucketOf(method: string, path: string): string {
  return hash("sha256", `${method} ${path}`, "hex").slice(0, 24);
}

/** Discord's headers about a bucket. */
export function limitHeaders(bucket: string, limit: RateLimit, taken: Taken, nowMs: number): Record<string, string> {
  return {
    "x-ratelimit-limit": String(limit.limit),
    "x-ratelimit-remaining": String(taken.remaining),
    "x-ratelimit-reset": (taken.resetAtMs / 1000).toFixed(3),
    "x-ratelimit-reset-after": (Math.max(0, taken.resetAtMs - nowMs) / 1000).toFixed(3),
    "x-ratelimit-bucket": bucket,
  };
}
