import type { Telemetry } from "@guildhall/telemetry";
import type { Bus } from "./domain/bus.ts";
import type { Router } from "./domain/router.ts";
import type { RouterEvents } from "./events.ts";

/** What the RPCs use. */
export interface RouterContext {
  readonly router: Router;
  readonly bus: Bus;
  readonly telemetry: Telemetry;
  readonly events: RouterEvents;
}
