import { GuildhallError } from "@guildhall/errors";
import type { BeginHandoff, EpochRecord, Head, SlotRange, TailRecord } from "@guildhall/proto";
import { rangeContains, slotOf } from "@guildhall/slots";
import type { HostParts } from "./host-parts.ts";
import { loadShard } from "./load-shard.ts";
import { advanceTopic, type OpenedTopic, openTopic, resultOf } from "./open-topic.ts";
import type { ShardBeginning } from "./shard.ts";

/** A shard that is to come: what its host has read and been sent of it so far. */
export interface PreparedShard {
  readonly range: SlotRange;
  /** By which the giver owns it. */
  readonly row: EpochRecord;
  readonly opened: number;
  /** Takes records in that the giver has stored since. Throws when it is more than is kept. */
  add(records: readonly TailRecord[]): void;
  /** What it begins with, and the topics that end where the giver says they end. */
  finish(heads: readonly Head[]): { readonly beginning: Omit<ShardBeginning, "row">; readonly topics: OpenedTopic[] };
}

const maxTopics = 2_000;
const maxAtOnce = 16;
const maxBytes = 64 * 1_048_576;

/**
 * Reads what a shard needs to serve: request ids, and the topics named, as far as there is room for them. The giver goes on
 * meanwhile and sends what it stores from before this began, so that nothing lies between.
 */
export async function prepareShard(
  { range, row, topics }: BeginHandoff,
  parts: HostParts,
  isOver: () => boolean,
): Promise<PreparedShard> {
  if (range === undefined || row === undefined) throw new GuildhallError("INVALID_FORM", "a move of nothing");
  const { ports, openTopics } = parts;
  const wanted = topics.filter((topic) => rangeContains(range, slotOf(topic)));
  const room = Math.max(0, Math.min(maxTopics, openTopics.max - openTopics.size));
  const opened = new Map<bigint, OpenedTopic>();
  const opening = eachOf(wanted.slice(0, room), maxAtOnce, async (topic) => {
    if (isOver()) return;
    // One that cannot be read now is opened when somebody asks for it.
    const read = await openTopic(topic, ports.journal, ports.store).catch(() => undefined);
    if (read !== undefined) opened.set(topic, read);
  });
  const [beginning] = await Promise.all([loadShard(range, parts), opening]);
  return new Prepared(row, beginning, opened);
}

class Prepared implements PreparedShard {
  readonly range: SlotRange;
  readonly row: EpochRecord;
  readonly #beginning: Omit<ShardBeginning, "row">;
  readonly #topics: Map<bigint, OpenedTopic>;
  #bytes = 0;

  constructor(row: EpochRecord, beginning: Omit<ShardBeginning, "row">, topics: Map<bigint, OpenedTopic>) {
    this.range = beginning.range;
    this.row = row;
    this.#beginning = beginning;
    this.#topics = topics;
  }

  get opened(): number {
    return this.#topics.size;
  }

  add(records: readonly TailRecord[]): void {
    const { retries, ring } = this.#beginning;
    for (const { record, position } of records) {
      if (record === undefined || !rangeContains(this.range, slotOf(record.topic))) continue;
      const { topic, seq, requestId, nonceKey, ts, event, result } = record;
      this.#bytes += event.length * 2 + result.length;
      if (this.#bytes > maxBytes) throw new GuildhallError("OVERLOADED", "too much was stored during the move");
      retries.learn(requestId, nonceKey, ts, resultOf(record));
      ring.add(topic, seq, event);
      const known = this.#topics.get(topic);
      if (known === undefined || seq <= known.head.seq) continue;
      // Something lies between: it is read anew when it is asked for.
      if (seq !== known.head.seq + 1n) this.#topics.delete(topic);
      else this.#topics.set(topic, advanceTopic(known, record, position));
    }
  }

  finish(heads: readonly Head[]): { beginning: Omit<ShardBeginning, "row">; topics: OpenedTopic[] } {
    const topics: OpenedTopic[] = [];
    // The giver names those used last at the end, as its table has them.
    for (const head of heads) {
      const opened = this.#topics.get(head.topic);
      if (opened !== undefined && sameHead(opened.head, head)) topics.push(opened);
    }
    return { beginning: this.#beginning, topics };
  }
}

function sameHead(a: Head, b: Head): boolean {
  return (
    a.topic === b.topic && a.epoch === b.epoch && a.seq === b.seq && a.lastId === b.lastId && a.lastTs === b.lastTs
  );
}

/** Does something for each of many, some at a time. */
async function eachOf<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) await work(all[next++] as T);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
}
