import type { TopicEvent } from "../domain/event.ts";
import type { SeqRange, TopicOrder } from "../domain/topic-order.ts";

/** A topic that this process follows on the bus. */
export interface Followed {
  readonly id: bigint;
  readonly kind: "guild" | "user";
  readonly order: TopicOrder;
  /** Who published its last event; "" = not known. */
  source: string;
  /** Whether a refill is under way. */
  isRefilling: boolean;
  /** Events are missing for good: its sessions cannot go on. */
  lose(): void;
}

/** Where missing events and heads come from. */
export interface TopicReads {
  /** Events in order of seq. TOO_OLD when they are no longer held. */
  refill(followed: Followed, range: SeqRange): Promise<readonly TopicEvent[]>;
  /** The heads of topics of one kind, by topic. */
  heads(kind: Followed["kind"], topics: readonly bigint[]): Promise<readonly TopicHead[]>;
}

/** How far a topic has got, and who says so. */
export interface TopicHead {
  readonly topic: bigint;
  readonly seq: number;
  readonly source: string;
}
