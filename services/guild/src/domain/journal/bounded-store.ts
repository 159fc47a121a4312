import { GuildhallError } from "@guildhall/errors";
import { lower } from "../model/bigint-order.ts";
import type { Store } from "../ports.ts";
import type { ConfirmingJournal } from "./confirming-journal.ts";

/**
 * The store as a host uses it with a confirming journal. A host says of a shard that all is applied up to the highest
 * position that it knows from any of its shards. In another shard's partitions a later owner may not have seen that
 * number, and would write below it: so a watermark goes no further than what was seen in the range's own partitions.
 */
export function makeBoundedStore(store: Store, journal: Pick<ConfirmingJournal, "mostWatermark">): Store {
  return {
    async apply(apply) {
      if (apply.range === undefined) throw new GuildhallError("INVALID_FORM", "rows of no range");
      const most = journal.mostWatermark(apply.range);
      return store.apply({ ...apply, watermark: most === undefined ? 0n : lower(apply.watermark, most) });
    },
    readWatermark: (range) => store.readWatermark(range),
    loadGuild: (topic) => store.loadGuild(topic),
    loadMembers: (topic, userIds) => store.loadMembers(topic, userIds),
    listMembers: (topic, after, limit) => store.listMembers(topic, after, limit),
    loadMessages: (channelId, messageIds) => store.loadMessages(channelId, messageIds),
  };
}
