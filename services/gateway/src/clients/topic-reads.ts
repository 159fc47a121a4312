import type { RouterClient, UserClient } from "@guildhall/rpc";
import { readEvent } from "../topics/convert.ts";
import type { TopicReads } from "../topics/followed.ts";

const timeoutMs = 5_000;

/** Refills and heads: of guilds by the router, of user topics by the user service. */
export function makeTopicReads(router: Pick<RouterClient, "call">, users: Pick<UserClient, "call">): TopicReads {
  return {
    async refill({ id, kind }, { from, to }) {
      const refill = { topic: id, fromSeq: BigInt(from), toSeq: BigInt(to) };
      const { events } =
        kind === "guild"
          ? await router.call("refill", refill, { timeoutMs, extra: { topic: id } })
          : await users.call("refill", refill, { timeoutMs });
      return events.map(readEvent);
    },
    async heads(kind, topics) {
      const asked = { topics: [...topics] };
      const { heads, sources } =
        kind === "guild"
          ? await router.call("heads", asked, { timeoutMs })
          : await users.call("heads", asked, { timeoutMs });
      return heads.map(({ topic, seq }, index) => ({ topic, seq: Number(seq), source: sources[index] ?? "" }));
    },
  };
}
