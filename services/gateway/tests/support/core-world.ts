import { createHash } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import type { Account, BusItem, UserChange } from "@guildhall/proto";
import { EphemeralEvent, Event } from "@guildhall/proto";
import { makeManualTime } from "@guildhall/testing";
import {
  everyGuard,
  type GatewayGuards,
  MemorySessionStore,
  makeGatewayMetrics,
  type Sealed,
  type SealRequest,
} from "../../src/core/index.ts";
import { CoreClient, type CoreGateway, makeCoreGateway } from "./core-gateway.ts";
import { TestGuild } from "./test-guild.ts";
import { allGrants } from "./test-users.ts";

interface User {
  readonly account: Account;
  readonly guilds: Set<bigint>;
  readonly events: Buffer[];
}

const metric = { inc() {}, set() {}, observe() {} };
const metrics = { counter: () => metric, gauge: () => metric, histogram: () => metric };
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };

/** Gateways without sockets over one session store, with a guild host, accounts and a bus that take time. */
export class CoreWorld {
  readonly time = makeManualTime();
  readonly store = new MemorySessionStore(() => this.time.clock.nowMs());
  readonly guilds = new Map<bigint, TestGuild>();
  readonly users = new Map<bigint, User>();
  readonly gateways: CoreGateway[] = [];
  readonly #guards: GatewayGuards;
  #random = 1;
  #beat = 0n;
  #userBeat = 0n;

  constructor(seed = 1, guards: GatewayGuards = everyGuard) {
    this.#random = seed + 1;
    this.#guards = guards;
    this.time.timers.every(250, () => this.#sendBeats());
  }

  /** From 0 up to, and without, 1; the same for the same seed. */
  random(): number {
    this.#random = (this.#random * 48_271) % 2_147_483_647;
    return this.#random / 2_147_483_647;
  }

  /** Starts another one; its wall clock is `aheadMs` ahead of the store's. */
  addGateway({ aheadMs = 0 }: { readonly aheadMs?: number } = {}): CoreGateway {
    const tag = (this.gateways.length + 1).toString(16).padStart(8, "a");
    const { timers } = this.time;
    const clock = { ...this.time.clock, nowMs: () => this.time.clock.nowMs() + aheadMs };
    const settings = {
      name: `gateway-${this.gateways.length}`,
      gatewayUrl: "ws://gateway",
      heartbeatIntervalMs: 41_250,
      resumeWindowMs: 120_000,
      rateLimits: "Off" as const,
      maxSessions: 1_000,
    };
    const gateway: CoreGateway = makeCoreGateway(
      {
        ...{ settings, clock, timers, log: log as never, store: this.store },
        soon: (act) => void timers.after(0, act),
        random: () => this.random(),
        randomHex: (bytes) =>
          Array.from({ length: bytes * 2 }, () => Math.floor(this.random() * 16).toString(16)).join(""),
        router: { call: (kind: string, value: never) => this.#ask(gateway, () => this.#route(kind, value)) } as never,
        users: { call: (kind: string, value: never) => this.#ask(gateway, () => this.#account(kind, value)) } as never,
        holder: { tag, name: settings.name, address: "" },
        gateways: { seal: (holder, request) => this.#seal(gateway, holder, request) },
        metrics: makeGatewayMetrics(metrics as never),
        startSpan: (() => undefined) as never,
      },
      () => this.#wait(),
      this.#guards,
    );
    this.gateways.push(gateway);
    return gateway;
  }

  addGuild(id: bigint): TestGuild {
    const guild = new TestGuild(id, 1n);
    this.guilds.set(id, guild);
    return guild;
  }

  /** Adds a bot; its token is `token-<id>`. */
  addUser(id: bigint, guilds: readonly bigint[]): void {
    const profile = { id, username: `user-${id}`, globalName: "", avatar: "", bot: true, publicFlags: 0n };
    const account: Account = {
      ...{ profile, email: "", locale: "", mfaEnabled: false, verified: true },
      ...{ applicationId: id, applicationFlags: allGrants },
    };
    this.users.set(id, { account, guilds: new Set(guilds), events: [] });
    for (const guildId of guilds) this.guilds.get(guildId)?.members.set(id, []);
  }

  emit(guildId: bigint, ...event: Parameters<TestGuild["emit"]>): void {
    const value = this.guild(guildId).emit(...event);
    this.publish({ topic: guildId, of: { $case: "event", value }, source: "guild-0/1" });
  }

  emitEphemeral(guildId: bigint, dispatch: EphemeralEvent["dispatch"]): void {
    const asOf = this.guild(guildId).seq;
    const value = Buffer.from(EphemeralEvent.encode({ topic: guildId, asOf, dispatch }).finish());
    this.publish({ topic: guildId, of: { $case: "ephemeral", value }, source: "guild-0/1" });
  }

  /** An event of an account: its changes, and dispatches to all of its sessions. */
  emitUser(userId: bigint, changes: NonNullable<UserChange["of"]>[], dispatches: Event["dispatches"] = []): void {
    const { events } = this.#user(userId);
    const seq = BigInt(events.length + 1);
    const userChanges = changes.map((of) => ({ of }));
    const event = { topic: userId, epoch: 1, seq, dispatches, changes: [], userChanges, traceparent: "" };
    const value = Buffer.from(Event.encode(event).finish());
    events.push(value);
    this.publish({ topic: userId, of: { $case: "event", value }, source: "user-0/1" });
  }

  joined(userId: bigint, guildId: bigint): void {
    this.emit(guildId, [], [{ $case: "memberRoles", value: { userId, roleIds: [] } }]);
    this.#user(userId).guilds.add(guildId);
    this.emitUser(userId, [{ $case: "guildJoined", value: guildId }]);
  }

  /** Sends an item over the bus; each gateway gets it after a while of its own, in order, or not at all. */
  publish(item: BusItem): void {
    const nowMs = this.time.clock.monotonicMs();
    for (const gateway of this.gateways) {
      if (!gateway.isAlive || (item.topic !== 0n && !gateway.topics.has(item.topic))) continue;
      if (gateway.dropNext > 0) {
        gateway.dropNext--;
        continue;
      }
      gateway.busyUntilMs = Math.max(gateway.busyUntilMs, nowMs + gateway.lagMs);
      this.time.timers.after(gateway.busyUntilMs - nowMs, () => {
        if (gateway.isAlive) gateway.take([item]);
      });
    }
  }

  /** The process is gone: nothing of it happens any more. */
  kill(gateway: CoreGateway): void {
    gateway.isAlive = false;
    gateway.core[Symbol.dispose]();
  }

  connect(gateway: CoreGateway): CoreClient {
    return new CoreClient(gateway.core);
  }

  /** Identifies, and waits until READY and the guilds have come. */
  async identify(gateway: CoreGateway, userId: bigint, intents: number): Promise<CoreClient> {
    const client = this.connect(gateway);
    client.send(2, { token: `Bot token-${userId}`, intents, properties: {} });
    await this.until(() => client.connection.session?.startIndex !== undefined);
    return client;
  }

  /** Resumes, and waits for the answer. */
  async resume(gateway: CoreGateway, userId: bigint, sessionId: string, seq: number): Promise<CoreClient> {
    const client = this.connect(gateway);
    client.send(6, { token: `Bot token-${userId}`, session_id: sessionId, seq });
    const isAnswered = () => client.isRefused || client.closedWith !== undefined;
    await this.until(() => isAnswered() || client.dispatches.some(({ t }) => t === "RESUMED"));
    return client;
  }

  /** Lets time pass until something is so. */
  async until(isSo: () => boolean, mostMs = 90_000): Promise<void> {
    for (let passedMs = 0; passedMs < mostMs && !isSo(); passedMs += 5) await this.pass(5);
    if (!isSo()) throw new Error("it has not come to that");
  }

  pass(ms: number): Promise<void> {
    return this.time.advanceAsync(ms);
  }

  guild(id: bigint): TestGuild {
    const guild = this.guilds.get(id);
    if (guild === undefined) throw new GuildhallError("UNAVAILABLE", `guild ${id} has no host`);
    return guild;
  }

  async #seal(from: CoreGateway, holder: string, request: SealRequest): Promise<Sealed | undefined> {
    await this.#wait();
    const gateway = this.gateways.find(({ tag }) => tag === holder);
    if (gateway === undefined || !gateway.isAlive || gateway.isCutOff || from.isCutOff) return undefined;
    const sealed = gateway.core.seal(request);
    await this.#wait();
    return sealed;
  }

  /** A question of a gateway: nobody waits for the answer any more when that has died. */
  async #ask<T>(gateway: CoreGateway, answer: () => T): Promise<T> {
    await this.#wait();
    const answered = answer();
    await this.#wait();
    return gateway.isAlive ? answered : new Promise<T>(() => {});
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => void this.time.timers.after(Math.floor(this.random() * 4), resolve));
  }

  #route(kind: string, value: never): unknown {
    switch (kind) {
      case "join": {
        const { guildId, users, wantShape } = value as {
          guildId: bigint;
          users: { userId: bigint }[];
          wantShape: boolean;
        };
        return this.guild(guildId).join(users, wantShape);
      }
      case "heads": {
        const found = (value as { topics: bigint[] }).topics.flatMap((id) => this.guilds.get(id) ?? []);
        return { heads: found.map(({ id, seq }) => headOf(id, seq)), sources: found.map(() => "guild-0/1") };
      }
      case "refill": {
        const { topic, fromSeq, toSeq } = value as { topic: bigint; fromSeq: bigint; toSeq: bigint };
        const guild = this.guild(topic);
        if (fromSeq <= guild.forgottenSeq) throw new GuildhallError("TOO_OLD", "forgotten");
        return { events: guild.events.slice(Number(fromSeq) - 1, Number(toSeq)) };
      }
      default:
        throw new GuildhallError("INTERNAL", `${kind} is not for a gateway`);
    }
  }

  #account(kind: string, value: never): unknown {
    switch (kind) {
      case "authenticate": {
        const { tokenHash } = value as { tokenHash: Buffer };
        const hashOf = (id: bigint) => createHash("sha256").update(`token-${id}`).digest();
        const found = [...this.users].find(([id]) => hashOf(id).equals(tokenHash));
        if (found === undefined) throw new GuildhallError("UNAUTHORIZED", "no such token");
        return { account: found[1].account };
      }
      case "listMemberships": {
        const { userId } = value as { userId: bigint };
        const { guilds, events } = this.#user(userId);
        const memberships = [...guilds].map((guildId) => ({
          userId,
          guildId,
          epoch: 1,
          seq: 1n,
          member: true,
          joinedAt: "",
        }));
        return { memberships, head: headOf(userId, BigInt(events.length)) };
      }
      case "heads": {
        const { topics } = value as { topics: bigint[] };
        const heads = topics.map((id) => headOf(id, BigInt(this.#user(id).events.length)));
        return { heads, sources: heads.map(() => "user-0/1") };
      }
      case "refill": {
        const { topic, fromSeq, toSeq } = value as { topic: bigint; fromSeq: bigint; toSeq: bigint };
        return { events: this.#user(topic).events.slice(Number(fromSeq) - 1, Number(toSeq)) };
      }
      default:
        throw new GuildhallError("INTERNAL", `${kind} is not for a gateway`);
    }
  }

  #user(id: bigint): User {
    const user = this.users.get(id);
    if (user === undefined) throw new GuildhallError("UNKNOWN_USER", `user ${id}`);
    return user;
  }

  #sendBeats(): void {
    const guildHeads = [...this.guilds.values()].map(({ id, seq }) => headOf(id, seq));
    const userHeads = [...this.users].map(([id, { events }]) => headOf(id, BigInt(events.length)));
    const beat = (source: string, number: bigint, heads: ReturnType<typeof headOf>[]) =>
      this.publish({ topic: 0n, of: { $case: "beat", value: { source, number, heads } }, source });
    beat("guild-0/1", ++this.#beat, guildHeads);
    beat("user-0/1", ++this.#userBeat, userHeads);
  }
}

function headOf(topic: bigint, seq: bigint) {
  return { topic, epoch: 1, seq, lastId: 0n, lastTs: 0n };
}
