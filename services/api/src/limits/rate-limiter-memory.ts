import type { RateLimit, RateLimiter, Taken } from "./rate-limiter.ts";

/** `nowMs`: Unix time. `maxKeys`: how many windows are kept; over it the one begun first is forgotten. */
export interface MemoryRateLimiterOptions {
  readonly nowMs: () => number;
  readonly maxKeys: number;
  /** Told when a window is forgotten that had not ended. */
  readonly onForgotten?: () => void;
}

interface Window {
  used: number;
  readonly resetAtMs: number;
}

/** Keeps the windows in this process. */
export function makeMemoryRateLimiter({ nowMs, maxKeys, onForgotten }: MemoryRateLimiterOptions): RateLimiter {
  // In order of beginning: a window that begins anew moves to the end.
  const windows = new Map<string, Window>();

  const makeRoom = (now: number): void => {
    for (const [key, { resetAtMs }] of windows) {
      if (resetAtMs > now && windows.size < maxKeys) return;
      if (resetAtMs > now) onForgotten?.();
      windows.delete(key);
    }
  };
  const begin = (key: string, limit: RateLimit, now: number): Window => {
    windows.delete(key);
    makeRoom(now);
    const window = { used: 0, resetAtMs: now + limit.windowMs };
    windows.set(key, window);
    return window;
  };

  return {
    take(key, limit, cost = 1): Taken {
      const now = nowMs();
      let window = windows.get(key);
      if (window === undefined || window.resetAtMs <= now) {
        if (cost === 0) return { allowed: true, remaining: limit.limit, resetAtMs: now + limit.windowMs };
        window = begin(key, limit, now);
      }
      const allowed = window.used + Math.max(cost, 1) <= limit.limit;
      if (allowed) window.used += cost;
      return { allowed, remaining: Math.max(0, limit.limit - window.used), resetAtMs: window.resetAtMs };
    },
    async [Symbol.asyncDispose]() {
      windows.clear();
    },
  };
}
