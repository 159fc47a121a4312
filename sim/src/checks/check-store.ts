import type { StoreDisk } from "../model/store-disk.ts";
import type { JournalView } from "./check-journal.ts";
import type { FoldedGuilds } from "./check-reads.ts";
import type { Evidence } from "./evidence.ts";

/** `store`: in the end it holds what the journal says, all of it, each once. */
export function checkStore(store: StoreDisk, view: JournalView, guilds: FoldedGuilds, evidence: Evidence): void {
  for (const [topic, records] of view.topics) {
    const applied = store.applied.get(topic) ?? 0n;
    const last = records.at(-1)?.seq ?? 0n;
    if (applied !== last) evidence.violate("store", `topic ${topic} is applied up to ${applied} of ${last}`, []);
  }
  for (const guild of guilds.values()) {
    for (const { id, channelId, seq, contents, deletedSeq } of guild.messages.values()) {
      const row = store.messages.get(channelId)?.get(id);
      const isThere = row !== undefined && !row.deleted;
      if (isThere !== (deletedSeq === undefined)) {
        const should = deletedSeq === undefined ? "should be there" : `was deleted at ${deletedSeq}`;
        evidence.violate("store", `message ${id} of seq ${seq} ${should}`, []);
        continue;
      }
      if (!isThere) continue;
      const said = (JSON.parse(`${Buffer.from(row.openJson).toString()}}`) as { content: string }).content;
      const should = contents.at(-1)?.value;
      if (said !== should) evidence.violate("store", `message ${id} says ${said} instead of ${should}`, []);
    }
  }
}
