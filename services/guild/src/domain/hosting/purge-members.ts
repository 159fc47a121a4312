import { bytesOf } from "../model/bytes.ts";
import type { Outcome } from "../model/outcome.ts";
import type { TopicActor } from "./topic-actor.ts";

const membersPerRecord = 100;

/**
 * Lets the members of a deleted guild go, some in each record. What a crash leaves undone is done when the topic is
 * opened again; the guild's count of members says whether anything is left.
 */
export async function purgeMembers(actor: TopicActor): Promise<void> {
  for (;;) {
    const { guild } = actor.state;
    if (!guild?.deleted || guild.memberCount === 0) return;
    const members = await actor.things.list(0n, membersPerRecord);
    const left = members.length < membersPerRecord ? 0 : Math.max(1, guild.memberCount - members.length);
    const outcomes: Outcome[] = [{ of: "guild", guild: { ...guild, memberCount: left } }];
    for (const { userId, joinedAt } of members) {
      outcomes.push({ of: "member-gone", userId }, { of: "membership", userId, member: false, joinedAt });
    }
    await actor.commit({ outcomes, dispatches: [], status: 204, json: bytesOf("") });
  }
}
