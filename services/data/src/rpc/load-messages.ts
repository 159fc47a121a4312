import type { LoadMessages, MessageRows } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { clamped, fromStoreRow } from "./convert.ts";

/** Messages with all their reactions. */
export async function loadMessages({ store }: DataContext, request: LoadMessages): Promise<MessageRows> {
  const { channelId, messageIds, after } = request;
  const { rows, next } = await store.loadMessages(clamped(channelId), messageIds.map(clamped), after);
  return { rows: rows.map(fromStoreRow), next };
}
