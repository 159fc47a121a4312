import type { ListMemberRows, MemberRows } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromStoreRow } from "./convert.ts";

/** Members in order of their ids. */
export async function listMemberRows({ store }: DataContext, request: ListMemberRows): Promise<MemberRows> {
  const rows = await store.listMembers(clamped(request.topic), clamped(request.after), request.limit);
  return { rows: rows.map(fromStoreRow) };
}
