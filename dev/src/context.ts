import type { Crew } from "./crew.ts";
import type { Output } from "./output/output.ts";
import type { LocalPlaces } from "./places.ts";
import type { Publication } from "./publication.ts";
import type { CoordinatorLink } from "./reconcile/coordinator-link.ts";
import type { Operations } from "./reconcile/operations.ts";
import type { Reconciler } from "./reconcile/reconciler.ts";
import type { Steward } from "./reconcile/steward.ts";
import type { StateFolder } from "./state/folder.ts";
import type { Supervisor } from "./supervisor/supervisor.ts";

/** What a running fleet is made of. */
export interface FleetContext {
  readonly folder: StateFolder;
  readonly places: LocalPlaces;
  readonly output: Output;
  readonly supervisor: Supervisor;
  readonly publication: Publication;
  readonly crew: Crew;
  readonly operations: Operations;
  readonly coordinator: CoordinatorLink;
  readonly steward: Steward;
  readonly reconciler: Reconciler;
}
