import { type GuildRows, type LoadGuild, StateKind } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromStoreRow } from "./convert.ts";

/** The state of a guild, without its audit log. */
export async function loadGuild({ store }: DataContext, { topic, after }: LoadGuild): Promise<GuildRows> {
  const { rows, next, appliedSeq } = await store.loadState(clamped(topic), StateKind.STATE_KIND_AUDIT, after);
  return { rows: rows.map(fromStoreRow), appliedSeq, next };
}
