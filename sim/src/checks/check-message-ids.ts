import type { FoldedGuilds } from "./check-reads.ts";
import type { Evidence } from "./evidence.ts";

/** `ids`: within a guild what was sent later has the higher id. */
export function checkMessageIds(guilds: FoldedGuilds, evidence: Evidence): void {
  for (const { messages } of guilds.values()) {
    let before: { readonly id: bigint; readonly seq: bigint } | undefined;
    for (const { id, seq } of messages.values()) {
      if (before !== undefined && id <= before.id) {
        evidence.violate("ids", `message ${id} of seq ${seq} stands below ${before.id} of seq ${before.seq}`, []);
      }
      before = { id, seq };
    }
  }
}
