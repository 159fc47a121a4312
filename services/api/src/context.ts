import type { Clock } from "@guildhall/lifecycle";
import type { Span } from "@guildhall/telemetry";
import type { Authenticator } from "./auth/authenticator.ts";
import type { Topics } from "./clients/topics.ts";
import type { Users } from "./clients/users.ts";
import type { ApiEvents } from "./events.ts";
import type { RateLimiter } from "./limits/rate-limiter.ts";

/** What the routes work with. */
export interface ApiContext {
  readonly clock: Clock;
  readonly authenticator: Authenticator;
  /** Absent = nothing is limited. */
  readonly limiter: RateLimiter | undefined;
  readonly topics: Topics;
  readonly users: Users;
  /** A new id; throws UNAVAILABLE while no worker id is leased. */
  readonly nextId: () => bigint;
  /** A new invite code. */
  readonly newInviteCode: () => string;
  /** Where clients find the gateway, without a trailing slash. */
  readonly gatewayUrl: string;
  readonly startSpan: (name: string) => Span;
  readonly events: ApiEvents;
}
