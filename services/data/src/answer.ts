/** How requests are answered, for whoever brings engines of their own. */
export type { DataContext } from "./context.ts";
export { makeGroupCommit } from "./domain/group-commit.ts";
export { makePages } from "./pages/pages.ts";
export { answer } from "./rpc/exchange.ts";
export type { Directory as DirectoryPort, DirectoryEntry } from "./store/directory.ts";
export type {
  Journal as JournalPort,
  JournalRecord,
  PositionedRecord,
  RetryRow,
  TopicHead,
  TrimMark,
} from "./store/journal.ts";
export type {
  MessageRow,
  MessageScan,
  ReactionGroup,
  ReactionKey,
  ReactionRow,
  Store as StorePort,
  StoreRow,
} from "./store/store.ts";
export { trimJournal } from "./upkeep.ts";
