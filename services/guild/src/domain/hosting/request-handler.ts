import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import {
  type Command,
  type CommandResult,
  type Head,
  type Heads,
  type HeadsResult,
  type NotOwner,
  type Read,
  type ReadResult,
  type Refill,
  type RefillResult,
  type TopicReply,
  TopicRequest,
} from "@guildhall/proto";
import type { HostPorts } from "../ports.ts";
import type { Joins } from "../read/answer-join.ts";
import { answerRead, requiredByRead } from "../read/answer-read.ts";
import type { FenceCheck } from "./fence-check.ts";
import type { HostConfig } from "./host-config.ts";
import type { HostStats } from "./host-stats.ts";
import type { Shard } from "./shard.ts";
import type { SealCount, ShardSeal } from "./shard-seal.ts";
import type { ShardTable } from "./shard-table.ts";
import type { Asker, TopicActor } from "./topic-actor.ts";

type Body = TopicReply["body"];

/** Answers requests of topics: by their actor, or with who owns the topic instead. */
export interface RequestHandler {
  handle(request: TopicRequest): Promise<Body>;
}

/** What a handler works with. */
export interface RequestHandlerOptions {
  readonly ports: HostPorts;
  readonly config: HostConfig;
  readonly stats: HostStats;
  readonly joins: Joins;
  readonly fence: FenceCheck;
  readonly shards: ShardTable;
  readonly sealed: SealCount;
  readonly notOwner: (topic: bigint) => NotOwner;
}

/** Thrown where a request turns out to be for a topic of another host. */
class NotOwned {
  readonly topic: bigint;

  constructor(topic: bigint) {
    this.topic = topic;
  }
}

// A shard is split or lost under a request a few times at most.
const maxRounds = 8;
const refillChunk = 256;
const maxRefilled = 4_096;
const maxRefillBytes = 8 * 1_048_576;

/** Makes the handler of a host. */
export function makeRequestHandler(options: RequestHandlerOptions): RequestHandler {
  return new Handler(options);
}

class Handler implements RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  async handle(request: TopicRequest): Promise<Body> {
    const receivedMs = this.#options.ports.clock.monotonicMs();
    for (let round = 1; ; round++) {
      try {
        if (this.#options.sealed.count > 0) await this.#wait(request);
        return await this.#answer(request, receivedMs);
      } catch (error) {
        if (error instanceof NotOwned) return { $case: "notOwner", value: this.#options.notOwner(error.topic) };
        if (!isGuildhallError(error) || error.code !== "NOT_OWNER") throw error;
        // The shard was split or lost while the request was in it, with nothing done: a half of it, or the router, which
        // asks the new owner, begins anew with the same request id.
        const { topic } = request;
        if (round >= maxRounds || this.#options.shards.of(topic) === undefined) {
          return { $case: "notOwner", value: this.#options.notOwner(topic) };
        }
      }
    }
  }

  /** Waits until none of the shards that a request is for is sealed. */
  async #wait(request: TopicRequest): Promise<void> {
    const topics = topicsOf(request);
    let seal = this.#sealOf(topics);
    if (seal === undefined) return;
    const sizeBytes = TopicRequest.encode(request).finish().length;
    for (; seal !== undefined; seal = this.#sealOf(topics)) await seal.wait(sizeBytes);
  }

  #sealOf(topics: readonly bigint[]): ShardSeal | undefined {
    for (const topic of topics) {
      const seal = this.#options.shards.of(topic)?.seal;
      if (seal?.isSealed) return seal;
    }
    return undefined;
  }

  async #answer({ topic, body, traceparent, timeoutMs }: TopicRequest, receivedMs: number): Promise<Body> {
    switch (body?.$case) {
      case "command": {
        const untilMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : receivedMs + timeoutMs;
        return {
          $case: "command",
          value: await this.#command(topic, body.value, { traceparent, receivedMs, untilMs }),
        };
      }
      case "read":
        return { $case: "read", value: await this.#read(topic, body.value) };
      case "join": {
        const actor = await this.#confirmed(body.value.guildId);
        return { $case: "join", value: await this.#options.joins.answer(actor, body.value) };
      }
      case "heads":
        return { $case: "heads", value: await this.#heads(body.value) };
      case "refill":
        return { $case: "refill", value: await this.#refill(body.value) };
      case undefined:
        throw new GuildhallError("INVALID_FORM", "a request without a body");
      default:
        return body satisfies never;
    }
  }

  #shard(topic: bigint): Shard {
    const shard = this.#options.shards.of(topic);
    if (shard === undefined) throw new NotOwned(topic);
    return shard;
  }

  /** What made no record (a refusal, typing) says something only if this host still owned the topic. */
  async #command(topic: bigint, command: Command, asker: Asker): Promise<CommandResult> {
    const shard = this.#shard(topic);
    shard.work.requests++;
    let result: CommandResult;
    try {
      result = await shard.command(topic, command, asker);
    } catch (error) {
      // It may be in the journal: whoever owns the topic finds out, and nothing may be said instead.
      if (!isGuildhallError(error) || (error.code !== "OUTCOME_UNKNOWN" && error.code !== "NOT_OWNER")) {
        await this.#confirm(topic);
      }
      throw error;
    }
    if (shard.retries.find(command.requestId, "") === undefined) await this.#confirm(topic);
    return result;
  }

  /** The actor of a topic that this host owned at a moment after the request came. */
  async #confirmed(topic: bigint): Promise<TopicActor> {
    await this.#confirm(topic);
    const shard = this.#shard(topic);
    shard.work.requests++;
    return shard.actor(topic);
  }

  async #confirm(...topics: readonly bigint[]): Promise<void> {
    for (;;) {
      for (const topic of topics) this.#shard(topic);
      const sealed = this.#sealOf(topics)?.whenOver();
      if (sealed !== undefined) {
        await sealed;
        continue;
      }
      const check = this.#options.fence.confirm();
      if (check === undefined) return;
      await check;
      // What was sealed meanwhile may have gone while it was not looked at.
      if (this.#sealOf(topics) === undefined) break;
    }
    for (const topic of topics) this.#shard(topic);
  }

  async #read(topic: bigint, read: Read): Promise<ReadResult> {
    this.#options.stats.reads++;
    const actor = await this.#confirmed(topic);
    const { body } = read;
    const isList = body?.$case === "listMembers";
    const listed = isList ? await actor.things.list(body.value.after, Math.min(body.value.limit || 1, 1_000)) : [];
    return actor.read(read.actor, requiredByRead(read), (turn) => answerRead(turn, read, listed));
  }

  async #heads({ topics }: Heads): Promise<HeadsResult> {
    await this.#confirm(...topics);
    const heads = new Map<bigint, Head>();
    const closed: bigint[] = [];
    for (const topic of topics) {
      const head = this.#shard(topic).headOf(topic);
      if (head === undefined) closed.push(topic);
      else heads.set(topic, head);
    }
    if (closed.length > 0) {
      for (const head of await this.#options.ports.journal.readHeads(closed)) heads.set(head.topic, head);
    }
    const { name, incarnation } = this.#options.config;
    const found = topics.map((topic) => heads.get(topic) ?? { topic, epoch: 0, seq: 0n, lastId: 0n, lastTs: 0n });
    return { heads: found, sources: found.map(() => `${name}/${incarnation}`) };
  }

  /** Events from the ring, or from the journal when it holds more. */
  async #refill({ topic, fromSeq, toSeq }: Refill): Promise<RefillResult> {
    this.#options.stats.refills++;
    await this.#confirm(topic);
    const shard = this.#shard(topic);
    if (fromSeq > toSeq) return { events: [] };
    const kept = shard.ring.read(topic, fromSeq, toSeq);
    if (kept !== undefined) return { events: bounded(kept) };
    const events: Buffer[] = [];
    const end = shard.headOf(topic)?.seq ?? toSeq;
    const last = end < toSeq ? end : toSeq;
    let bytes = 0;
    for (let from = fromSeq; from <= last && events.length < maxRefilled && bytes < maxRefillBytes; ) {
      const { records } = await this.#options.ports.journal.readTopic(topic, from, refillChunk);
      const first = records[0]?.record?.seq;
      if (first === undefined) break;
      if (first !== from) this.#tooOld();
      for (const { record } of records) {
        if (record === undefined || record.seq > last) continue;
        events.push(record.event);
        bytes += record.event.length;
        from = record.seq + 1n;
      }
    }
    if (events.length === 0 && fromSeq <= last) this.#tooOld();
    return { events: bounded(events) };
  }

  #tooOld(): never {
    this.#options.stats.ringTooOld++;
    throw new GuildhallError("TOO_OLD", "the events are no longer held");
  }
}

/** The topics that a request looks at. */
function topicsOf({ topic, body }: TopicRequest): readonly bigint[] {
  switch (body?.$case) {
    case "join":
      return [body.value.guildId];
    case "heads":
      return body.value.topics;
    case "refill":
      return [body.value.topic];
    case "command":
    case "read":
    case undefined:
      return [topic];
    default:
      return body satisfies never;
  }
}

/** As many events as fit an answer; the asker asks on from where it ends. */
function bounded(events: readonly Buffer[]): Buffer[] {
  let bytes = 0;
  const fitting: Buffer[] = [];
  for (const event of events) {
    bytes += event.length;
    if (fitting.length > 0 && bytes > maxRefillBytes) break;
    fitting.push(event);
  }
  return fitting;
}
