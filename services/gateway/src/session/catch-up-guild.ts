import type { GatewayContext } from "../context.ts";
import { lasting } from "../domain/attachment.ts";
import type { GuildStart, PendingTopic } from "../domain/log-writer.ts";
import type { Session } from "../domain/session.ts";
import { Bridge } from "../topics/bridge.ts";
import type { GuildFollow } from "../topics/guild-follow.ts";
import type { Crossed } from "./catch-up-user.ts";
import { deliverShared } from "./own-dispatch.ts";

/** How far a session has got on its way to a guild. */
export interface GuildWay {
  readonly start: GuildStart;
  /** Up to where it has had everything. */
  progress: number;
  bridge: Bridge | undefined;
}

// Records looked at in one piece.
const stretchRecords = 256;

/** The bridges from where other gateways' sessions were cut; sessions that were cut at the same event share one. */
export class Bridges {
  readonly #bridges = new WeakMap<GuildStart, Bridge>();

  /** The bridge for a user's sessions from there on. */
  from(context: GatewayContext, start: GuildStart, userId: bigint): Bridge {
    const { bus, clock } = context;
    const known = this.#bridges.get(start);
    // Who was not seen when the bridge was made cannot be led over it.
    if (known !== undefined && !known.isLost && known.leads(userId)) return known;
    const made = new Bridge(start, { bus, nowMs: () => clock.monotonicMs() });
    this.#bridges.set(start, made);
    return made;
  }
}

/**
 * Follows a guild and brings a session there from where it was. Where nobody here follows it yet, it goes on from that very
 * place; else the session crosses a bridge to where the guild is by now.
 */
export async function catchUpGuild(
  context: GatewayContext,
  session: Session,
  { id }: PendingTopic,
  way: GuildWay,
): Promise<Crossed> {
  const { guildTopics, bus } = context;
  const follow = await guildTopics.open(id);
  if (session.hasEnded) return "left";
  if (!guildTopics.has(follow)) return "again";
  const { start, progress, bridge } = way;
  const attach = (): void => join(session, follow, start.members.get(session.userId) ?? []);
  if (bridge === undefined && progress === start.seq) {
    if (follow.startFrom(start.shape, start.seq, attach)) {
      bus.check(id);
      return "joined";
    }
    if (follow.topic.hasShape && follow.topic.seq === progress) {
      attach();
      return "joined";
    }
  }
  if (!follow.topic.hasShape) {
    const from = bridgeOf(context, session, way);
    if (follow.startFrom(from.topic.shape(), from.topic.seq, () => {})) bus.check(id);
  }
  return cross(context, session, follow, way);
}

async function cross(context: GatewayContext, session: Session, follow: GuildFollow, way: GuildWay): Promise<Crossed> {
  const { progress } = way;
  if (follow.topic.seq < progress) {
    // This process is behind: the session waits for it.
    const reached = follow.at(progress, () => {});
    context.bus.refill(follow);
    await reached;
    return "again";
  }
  const bridge = bridgeOf(context, session, way);
  bridge.enter(follow);
  try {
    return await walk(context, session, follow, { bridge, way });
  } finally {
    bridge.leave();
  }
}

function bridgeOf(context: GatewayContext, session: Session, way: GuildWay): Bridge {
  way.bridge ??= context.bridges.from(context, way.start, session.userId);
  return way.bridge;
}

interface Walk {
  readonly bridge: Bridge;
  readonly way: GuildWay;
}

async function walk(
  context: GatewayContext,
  session: Session,
  follow: GuildFollow,
  { bridge, way }: Walk,
): Promise<Crossed> {
  let index = bridge.indexAfter(way.progress);
  let pause: Promise<void> | undefined;
  const step = (): Crossed | "more" => {
    if (session.hasEnded) return "left";
    if (bridge.isLost || bridge.hasForgotten(index)) return "lost";
    if (!context.guildTopics.has(follow)) return "again";
    const stretch = bridge.read(session, index, stretchRecords);
    index = stretch.index;
    for (const { seq, body } of stretch.crossings) {
      way.progress = seq;
      deliverShared(context, session, body, { kind: "guild", topic: follow.id, seq });
    }
    context.pacer.spend(stretch.crossings.length + 1);
    if (stretch.hasLeft) {
      context.writer.left(session, "guild", follow.id);
      return "left";
    }
    if (!stretch.isAtEnd) return "more";
    way.progress = bridge.topic.seq;
    if (bridge.topic.seq !== follow.topic.seq) {
      pause = bridge.more();
      return "more";
    }
    join(session, follow, bridge.topic.rolesOf(session.userId));
    return "joined";
  };
  for (;;) {
    const outcome = await context.pacer.run(step);
    if (outcome !== "more") return outcome;
    await pause;
    pause = undefined;
  }
}

/** The session gets what the guild gets from the next event on. */
function join(session: Session, { topic }: GuildFollow, roleIds: readonly bigint[]): void {
  const isThere = session.attachments.some((each) => each.topic === topic && each.to === lasting);
  if (!isThere) topic.attach(session, roleIds);
}
