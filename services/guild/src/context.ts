import type { Telemetry } from "@guildhall/telemetry";
import type { Host } from "./domain/hosting/host.ts";
import type { GuildEvents } from "./events.ts";

/** What the RPCs use. */
export interface GuildContext {
  readonly host: Host;
  readonly events: GuildEvents;
  readonly telemetry: Telemetry;
}
