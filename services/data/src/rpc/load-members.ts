import type { LoadMembers, MemberRows } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromStoreRow } from "./convert.ts";

/** The members asked for that exist. */
export async function loadMembers({ store }: DataContext, { topic, userIds }: LoadMembers): Promise<MemberRows> {
  const rows = await store.loadMembers(clamped(topic), userIds.map(clamped));
  return { rows: rows.map(fromStoreRow) };
}
