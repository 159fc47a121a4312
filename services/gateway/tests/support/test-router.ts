import { Metadata, type ServerDuplexStream } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import {
  type BusItem,
  EphemeralEvent,
  RouterServiceService,
  type RouterServiceSubscribeRequest,
  type RouterServiceSubscribeResponse,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { createRpcServer, type RpcServer, serveExchange } from "@guildhall/rpc";
import { TestGuild } from "./test-guild.ts";

type Subscription = ServerDuplexStream<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>;

/** A router with its hosts in memory: it answers joins, heads, refills and reads, and carries the bus. */
export class TestRouter implements AsyncDisposable {
  readonly guilds = new Map<bigint, TestGuild>();
  /** Requests taken, by case. */
  readonly asked: string[] = [];
  /** Called when a join has been decided, before its answer is on its way. */
  afterJoin: () => void = () => {};
  /** Items that are lost instead of sent. */
  dropNext = 0;
  readonly #source = "guild-0/1";
  readonly #subscribers = new Map<Subscription, Set<bigint>>();
  readonly #changed = new Map<bigint, bigint>();
  #server: RpcServer | undefined;
  #beats: NodeJS.Timeout | undefined;
  #beatNumber = 0n;

  async start(address: string): Promise<void> {
    const exchange = serveExchange<TopicRequest, TopicReply>({
      handle: (request) => this.#answer(request),
      limit: { inFlight: 10_000 },
    });
    const service = {
      exchange,
      subscribe: (call: Subscription) => this.#serve(call),
      publish: (call: { end(): void }) => call.end(),
    };
    this.#server = await createRpcServer({ address, services: [[RouterServiceService, service]], drainTimeoutMs: 50 });
    this.#beats = setInterval(() => this.#beat(), 250);
  }

  addGuild(id: bigint, ownerId: bigint): TestGuild {
    const guild = new TestGuild(id, ownerId);
    this.guilds.set(id, guild);
    return guild;
  }

  /** Makes an event of a guild and sends it. */
  emit(guild: TestGuild, ...event: Parameters<TestGuild["emit"]>): void {
    const value = guild.emit(...event);
    this.#changed.set(guild.id, guild.seq);
    this.publish({ topic: guild.id, of: { $case: "event", value }, source: this.#source });
  }

  /** Sends an event that is not journaled. */
  emitEphemeral(guild: TestGuild, dispatch: EphemeralEvent["dispatch"]): void {
    const value = Buffer.from(EphemeralEvent.encode({ topic: guild.id, asOf: guild.seq, dispatch }).finish());
    this.publish({ topic: guild.id, of: { $case: "ephemeral", value }, source: this.#source });
  }

  /** Sends an item to all who follow its topic. */
  publish(item: BusItem): void {
    if (this.dropNext > 0) {
      this.dropNext--;
      return;
    }
    for (const [call, topics] of this.#subscribers) {
      if (item.topic === 0n || topics.has(item.topic)) call.write({ items: [item], dropped: 0n });
    }
  }

  isFollowed(topic: bigint): boolean {
    return [...this.#subscribers.values()].some((topics) => topics.has(topic));
  }

  /** Breaks the streams of all subscribers. */
  breakStreams(): void {
    for (const call of this.#subscribers.keys()) call.emit("error", { code: 14, details: "broken" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beats);
    for (const call of this.#subscribers.keys()) call.end();
    await this.#server?.[Symbol.asyncDispose]();
  }

  #serve(call: Subscription): void {
    const topics = new Set<bigint>();
    this.#subscribers.set(call, topics);
    call.on("data", ({ subscribe, unsubscribe }: RouterServiceSubscribeRequest) => {
      for (const topic of unsubscribe) topics.delete(topic);
      for (const { topic, subscription } of subscribe) {
        topics.add(topic);
        const of = { $case: "subscribed" as const, value: { subscription } };
        call.write({ items: [{ topic, of, source: "" }], dropped: 0n });
      }
    });
    const leave = () => this.#subscribers.delete(call);
    for (const event of ["end", "close", "error", "cancelled"]) call.on(event, leave);
    call.sendMetadata(new Metadata());
  }

  #beat(): void {
    this.#beatNumber++;
    const heads = [...this.#changed].map(([topic, seq]) => headOf(topic, seq));
    this.#changed.clear();
    const value = { source: this.#source, number: this.#beatNumber, heads };
    this.publish({ topic: 0n, of: { $case: "beat", value }, source: this.#source });
  }

  #answer({ body }: TopicRequest): TopicReply["body"] {
    if (body === undefined) throw new GuildhallError("INTERNAL", "empty");
    this.asked.push(body.$case);
    switch (body.$case) {
      case "join":
        return { $case: "join", value: this.#join(body.value) };
      case "heads": {
        const guilds = body.value.topics.flatMap((topic) => this.guilds.get(topic) ?? []);
        const heads = guilds.map(({ id, seq }) => headOf(id, seq));
        return { $case: "heads", value: { heads, sources: heads.map(() => this.#source) } };
      }
      case "refill": {
        const { topic, fromSeq, toSeq } = body.value;
        const guild = this.#guild(topic);
        if (fromSeq <= guild.forgottenSeq) throw new GuildhallError("TOO_OLD", "forgotten");
        return { $case: "refill", value: { events: guild.events.slice(Number(fromSeq) - 1, Number(toSeq)) } };
      }
      case "read":
        return { $case: "read", value: { of: { $case: "json", value: this.#read(body.value.body) } } };
      default:
        throw new GuildhallError("INTERNAL", `${body.$case} is not for a gateway`);
    }
  }

  #join({ guildId, users, wantShape }: { guildId: bigint; users: { userId: bigint }[]; wantShape: boolean }) {
    const joined = this.#guild(guildId).join(users, wantShape);
    this.afterJoin();
    return joined;
  }

  #read(body: (TopicRequest["body"] & { $case: "read" })["value"]["body"]): Buffer {
    const memberOf = (userId: bigint) => ({ user: { id: String(userId), username: `user-${userId}` }, roles: [] });
    if (body?.$case === "getMember") {
      const { guildId, userId } = body.value;
      if (!this.#guild(guildId).members.has(userId)) throw new GuildhallError("UNKNOWN_MEMBER", "unknown");
      return Buffer.from(JSON.stringify(memberOf(userId)));
    }
    if (body?.$case !== "listMembers") throw new GuildhallError("INTERNAL", "not for a gateway");
    const { guildId, after, limit } = body.value;
    const ids = [...this.#guild(guildId).members.keys()].filter((id) => id > after);
    const page = ids.sort((a, b) => (a < b ? -1 : 1)).slice(0, limit);
    return Buffer.from(JSON.stringify(page.map(memberOf)));
  }

  #guild(id: bigint): TestGuild {
    const guild = this.guilds.get(id);
    if (guild === undefined) throw new GuildhallError("UNAVAILABLE", `guild ${id} has no host`);
    return guild;
  }
}

function headOf(topic: bigint, seq: bigint) {
  return { topic, epoch: 1, seq, lastId: 0n, lastTs: 0n };
}
