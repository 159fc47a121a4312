import type { BackUp } from "./backup.ts";
import type { DataEvents } from "./events.ts";
import type { Pages } from "./pages/pages.ts";
import type { Directory } from "./store/directory.ts";
import type { Journal } from "./store/journal.ts";
import type { Store } from "./store/store.ts";

/** What the request handlers use. */
export interface DataContext {
  readonly journal: Journal;
  readonly store: Store;
  readonly directory: Directory;
  readonly pages: Pages;
  readonly events: DataEvents;
  /** Copies the databases into a folder; one at a time. */
  readonly backUp: BackUp;
}
