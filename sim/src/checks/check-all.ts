import type { StoreDisk } from "../model/store-disk.ts";
import { checkAnswers } from "./check-answers.ts";
import { checkOnce, checkOrder, checkOwners, type JournalView } from "./check-journal.ts";
import { checkMessageIds } from "./check-message-ids.ts";
import { checkReads, foldGuilds } from "./check-reads.ts";
import { checkSessions } from "./check-sessions.ts";
import { checkStore } from "./check-store.ts";
import type { Evidence } from "./evidence.ts";

/** Holds everything that was seen against what is journaled and stored in the end. */
export function checkAll(view: JournalView, store: StoreDisk, evidence: Evidence): void {
  const guilds = foldGuilds(view, evidence.commands);
  checkOrder(view, evidence);
  checkOwners(view, evidence);
  checkOnce(view, evidence);
  checkMessageIds(guilds, evidence);
  checkAnswers(view, evidence);
  checkReads(view, guilds, evidence);
  checkStore(store, view, guilds, evidence);
  checkSessions(view, guilds, evidence);
}
