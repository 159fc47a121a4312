import type { BusItem, Head } from "@guildhall/proto";
import { Event } from "@guildhall/proto";
import type { OutboxEvent, UserNotice } from "../store/accounts.ts";

/** User topics have one writer, the accounts database, for ever: their epoch never changes. */
export const userTopicEpoch = 1;

type UserChangeOf = NonNullable<Event["userChanges"][number]["of"]>;

function changeOf(notice: UserNotice): UserChangeOf {
  switch (notice.kind) {
    case "guild-joined":
      return { $case: "guildJoined", value: notice.guildId };
    case "guild-left":
      return { $case: "guildLeft", value: notice.guildId };
    case "token-revoked":
      return { $case: "tokenRevoked", value: { tokenHash: Buffer.from(notice.tokenHash) } };
  }
}

/** The encoded Event of an outbox row; the same row always gives the same bytes. */
export function encodeUserEvent(event: OutboxEvent): Buffer {
  const message: Event = {
    topic: event.userId,
    epoch: userTopicEpoch,
    seq: event.seq,
    dispatches: [],
    changes: [],
    userChanges: [{ of: changeOf(event.notice) }],
    traceparent: "",
  };
  return Buffer.from(Event.encode(message).finish());
}

/** The head of a user topic; user topics make no ids. */
export function userHead(userId: bigint, seq: bigint): Head {
  return { topic: userId, epoch: userTopicEpoch, seq, lastId: 0n, lastTs: 0n };
}

/** Collects what must be told on the bus: events at once, heads with the next beat. */
export interface Announcer {
  announce(events: readonly OutboxEvent[]): void;
  /** Called every 250 ms. */
  beat(): void;
}

/** `source` is the name and incarnation that beats carry; beats count from 1. */
export function makeAnnouncer(source: string, publish: (items: BusItem[]) => void): Announcer {
  const changed = new Map<bigint, bigint>();
  let number = 0n;
  return {
    announce(events) {
      if (events.length === 0) return;
      for (const { userId, seq } of events) changed.set(userId, seq);
      publish(
        events.map((event) => ({ topic: event.userId, source, of: { $case: "event", value: encodeUserEvent(event) } })),
      );
    },
    beat() {
      number += 1n;
      const heads = Array.from(changed, ([userId, seq]) => userHead(userId, seq));
      changed.clear();
      publish([{ topic: 0n, source, of: { $case: "beat", value: { source, number, heads } } }]);
    },
  };
}
