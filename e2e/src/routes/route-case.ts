import type { Stage } from "../stage.ts";

/** A check of one side of a route. */
export type Check = (stage: Stage) => Promise<void>;

/** What is to be shown of a route. A side that it does not have is absent. */
export interface RouteCase {
  /** As in libs/protocol's list of endpoints: "POST /channels/{c}/messages". */
  readonly route: string;
  readonly success: Check;
  /** Who may not is told so. */
  readonly permission?: Check;
  /** What is no right form is refused with the path to the field. */
  readonly form?: Check;
  /** What sessions see of it. */
  readonly event?: Check;
}
