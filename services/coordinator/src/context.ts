import type { Telemetry } from "@guildhall/telemetry";
import type { Coordinator } from "./domain/coordinator.ts";

/** What the RPCs use. */
export interface CoordinatorContext {
  readonly coordinator: Coordinator;
  readonly telemetry: Telemetry;
}
