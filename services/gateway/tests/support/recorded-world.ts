import { Permission } from "@guildhall/permissions";
import { makeManualTime } from "@guildhall/testing";
import fc from "fast-check";
import { ownBody, ownDispatch, sharedBody } from "../../src/dispatch/render.ts";
import { lasting } from "../../src/domain/attachment.ts";
import type { Body } from "../../src/domain/body.ts";
import { DispatchLog } from "../../src/domain/dispatch-log.ts";
import type { Audience, Dispatch, TopicChange } from "../../src/domain/event.ts";
import { GuildTopic } from "../../src/domain/guild-topic.ts";
import { makeProfiles, type Profile } from "../../src/domain/profile.ts";
import { planResume } from "../../src/domain/resume.ts";
import type { Link, Session } from "../../src/domain/session.ts";
import { SessionTable } from "../../src/domain/session-table.ts";
import { UserTopic } from "../../src/domain/user-topic.ts";
import type { Ghost } from "../../src/log/ghost.ts";
import { Ghosts } from "../../src/log/ghosts.ts";
import type { Damage } from "../../src/log/log-reader.ts";
import { Recording } from "../../src/log/recording.ts";
import { MemorySessionStore } from "../../src/store/session-store-memory.ts";
import { readEphemeral, readEvent } from "../../src/topics/convert.ts";
import { dataOf, encodeEphemeral, encodeEvent } from "./encode-event.ts";

const guildIds = [1n, 2n];
const roleIds = [10n, 11n];
const channelIds = [20n, 21n, 22n];
const userIds = [100n, 101n, 102n];
const windowMs = 120_000;
export const tag = "0123abcd";

/** A dispatch as its client has it. */
export type Sent = { readonly s: number; readonly data: string };

/** A client's end. */
class TestLink implements Link {
  sent: Sent[] = [];
  isCongested = false;
  readonly #nowMs: () => number;
  /** When each dispatch was sent, by its number. */
  readonly #sentMs = new Map<number, number>();
  readonly #begunMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#begunMs = nowMs();
  }

  /** How long ago the client was sent that dispatch. */
  ageMs(seq: number): number {
    return this.#nowMs() - (this.#sentMs.get(seq) ?? this.#begunMs);
  }

  send(s: number, body: Body): void {
    this.sent.push({ s, data: dataOf(body) });
    this.#sentMs.set(s, this.#nowMs());
  }

  grant(): void {}
}

/** A session and its client's end. */
export interface Client {
  readonly session: Session;
  readonly link: TestLink;
}

/** Something that happens. */
export type Step =
  | { kind: "event"; guild: number; changes: TopicChange[]; dispatches: Dispatch[] }
  | { kind: "ephemeral"; guild: number; dispatch: Dispatch }
  | { kind: "user event"; user: number; dispatch: Dispatch }
  | { kind: "join"; guild: number; user: number; roles: bigint[] }
  | { kind: "own"; user: number }
  | { kind: "cut"; user: number }
  | { kind: "resume"; user: number }
  | { kind: "congest"; user: number; on: boolean }
  | { kind: "restart topic"; guild: number }
  | { kind: "end"; user: number }
  | { kind: "checkpoint" }
  | { kind: "flush" }
  | { kind: "tick"; ms: number };

/** The core of a gateway, as far as its log is concerned: guilds, accounts, a session for each, and what happens to them. */
export class RecordedWorld {
  readonly time = makeManualTime();
  readonly store = new MemorySessionStore(() => this.time.clock.nowMs());
  readonly profiles = makeProfiles();
  readonly log: DispatchLog;
  readonly recording: Recording;
  readonly table: SessionTable;
  readonly guilds = new Map<bigint, GuildTopic>();
  readonly seqs = new Map<bigint, number>();
  readonly users: UserTopic[];
  clients: Client[];
  readonly #profileOf: readonly Profile[];
  #made = 0;

  constructor(profiles: readonly Omit<Profile, never>[]) {
    const { clock } = this.time;
    const nowMs = () => clock.monotonicMs();
    this.log = new DispatchLog({ windowMs: windowMs + 30_000, maxBytes: 1 << 20 });
    const { log, store } = this;
    const soon = () => {};
    const holder = { tag, name: "gateway-0", address: "" };
    const ports = { store, holder, log, clock, soon, windowMs, maxBytes: 1 << 30, onState() {} };
    this.recording = new Recording(ports);
    const writer = this.recording;
    this.table = new SessionTable({ log, writer, windowMs, maxSessions: 100, nowMs });
    for (const id of guildIds) this.open(id);
    this.users = userIds.map((id) => new UserTopic(id, { log, writer, nowMs, onChange() {} }));
    this.#profileOf = profiles.map((profile) => this.profiles.intern(profile));
    this.clients = userIds.map((_, user) => this.begin(user));
    const { guilds, table } = this;
    const topics = { all: () => guilds.values(), count: guilds.size };
    this.recording.follow({ topics, sessions: { all: () => table.all(), count: userIds.length } });
  }

  open(id: bigint): void {
    const { log, recording: writer, time } = this;
    const nowMs = () => time.clock.monotonicMs();
    const topic = new GuildTopic(id, { log, writer, nowMs, onLeft() {}, onGone() {} });
    const roles = [id, ...roleIds].map((role) => ({ id: role, permissions: Permission.VIEW_CHANNEL }));
    const channels = channelIds.map((channel) => ({ id: channel, type: 0, parentId: 0n, overwrites: [] }));
    topic.start({ guildId: id, ownerId: 1n, roles, channels }, this.seqs.get(id) ?? 0);
    this.guilds.set(id, topic);
  }

  begin(user: number): Client {
    const link = new TestLink(() => this.time.clock.monotonicMs());
    const id = tag + String(this.#made++).padStart(32, "0");
    const rest = { tokenHash: "h".repeat(32), shardId: 0, shardCount: 1, largeThreshold: 0, generation: 0 };
    const profile = this.#profileOf[user] as Profile;
    const session = this.table.create({ ...rest, id, userId: userIds[user] as bigint, profile }, link);
    session.s = 1;
    this.users[user]?.attach(session);
    this.guilds.get(1n)?.attach(session, []);
    this.table.begin(session);
    return { session, link };
  }

  run(step: Step): void {
    const client = "user" in step ? (this.clients[step.user] as Client) : undefined;
    switch (step.kind) {
      case "event":
        this.event(guildIds[step.guild] as bigint, step.changes, step.dispatches);
        return;
      case "ephemeral": {
        const topic = guildIds[step.guild] as bigint;
        const encoded = encodeEphemeral({ topic, asOf: this.seqs.get(topic) ?? 0, dispatch: step.dispatch });
        const event = readEphemeral(encoded);
        if (event !== undefined) this.guilds.get(topic)?.applyEphemeral(event);
        return;
      }
      case "user event": {
        const topic = this.users[step.user] as UserTopic;
        const seq = topic.seq + 1;
        const none = { epoch: 1, changes: [], userChanges: [], traceparent: "" };
        topic.apply(readEvent(encodeEvent({ ...none, topic: topic.id, seq, dispatches: [step.dispatch] })));
        return;
      }
      case "join": {
        const topic = this.guilds.get(guildIds[step.guild] as bigint);
        const { session } = client as Client;
        if (session.attachments.some((each) => each.topic === topic && each.to === lasting)) return;
        topic?.attach(session, step.roles);
        this.own(client as Client, `"create ${step.guild}"`);
        return;
      }
      case "own":
        this.own(client as Client, '"own"');
        return;
      case "cut":
        this.table.cut((client as Client).session);
        return;
      case "resume":
        this.resume(client as Client);
        return;
      case "congest":
        (client as Client).link.isCongested = step.on;
        return;
      case "restart topic": {
        const id = guildIds[step.guild] as bigint;
        for (const session of this.guilds.get(id)?.detachAll() ?? []) this.table.end(session);
        this.recording.topicEnded(id);
        this.open(id);
        this.revive();
        return;
      }
      case "end":
        this.table.end((client as Client).session);
        this.revive();
        return;
      case "checkpoint":
        this.table.checkpoint();
        return;
      case "flush":
        this.recording.flush();
        return;
      case "tick":
        for (let passedMs = 0; passedMs < step.ms; passedMs += 500) this.tick();
        return;
      default:
        step satisfies never;
    }
  }

  tick(): void {
    this.time.advance(500);
    this.log.expire(this.time.clock.monotonicMs());
    this.table.expire();
    this.revive();
    this.recording.tick();
    if (this.time.clock.monotonicMs() % 5_000 === 0) this.table.checkpoint();
  }

  event(topic: bigint, changes: TopicChange[], dispatches: Dispatch[]): void {
    const seq = (this.seqs.get(topic) ?? 0) + 1;
    this.seqs.set(topic, seq);
    const named = dispatches.map((dispatch, sub) => ({
      ...dispatch,
      body: sharedBody("TEST", Buffer.from(`"${topic} ${seq}.${sub}"`)),
      gatedBody: dispatch.gatedBody && sharedBody("TEST", Buffer.from(`"${topic} ${seq}.${sub} gated"`)),
    }));
    const none = { epoch: 1, userChanges: [], traceparent: "" };
    this.guilds.get(topic)?.apply(readEvent(encodeEvent({ ...none, topic, seq, changes, dispatches: named })));
  }

  own({ session }: Client, json: string): void {
    if (session.hasEnded) return;
    const body = ownBody("TEST", json);
    this.recording.own(session, body, false, undefined);
    const eventIndex = this.log.beginEvent();
    const record = { eventIndex, seq: 0, dispatch: ownDispatch(body), isEphemeral: false };
    this.log.append(session, record, this.time.clock.monotonicMs());
    if (session.link !== undefined) session.deliver(body);
  }

  resume({ session, link }: Client): void {
    if (session.link !== undefined || session.hasEnded) return;
    const plan = planResume(this.log, session, link.sent.at(-1)?.s ?? 1);
    if (plan.kind !== "replay") this.table.end(session);
    else {
      for (const { s, body } of plan.missed) link.send(s, body);
      this.table.relink(session, link, plan.s);
    }
    this.revive();
  }

  /** In the place of sessions that have ended, their users begin others. */
  revive(): void {
    this.clients = this.clients.map((client, user) => (client.session.hasEnded ? this.begin(user) : client));
  }

  /** What another gateway makes of the log. */
  async ghost(onDamage: (damage: Damage) => void): Promise<Ghost> {
    const { store, time, profiles } = this;
    const ghosts = new Ghosts({ store, clock: time.clock, timers: time.timers, profiles, windowMs, onDamage });
    const ghost = ghosts.get(tag);
    await this.read(ghost);
    return ghost;
  }

  async read(ghost: Ghost): Promise<boolean> {
    let isDone = false;
    const reading = ghost.readOn().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await Promise.resolve();
      this.time.advance(0);
    }
    return reading;
  }
}

/** What a client that has everything up to `seq` is sent by a ghost; undefined when it is refused. */
export function sentBy(ghost: Ghost, { session }: Client, seq: number): Sent[] | undefined {
  const found = ghost.replay.find(session.id);
  if (found === undefined) return undefined;
  const remains = ghost.remains(found, seq);
  if (typeof remains === "string") throw new Error(remains);
  if (remains.plan.kind !== "replay") return undefined;
  return remains.plan.missed.map(({ s, body }) => ({ s, data: dataOf(body) }));
}

/** A dispatch without a name yet. */
export function dispatchTo(audience: Audience): Dispatch {
  const none = {
    gatedBody: undefined,
    ungatedUsers: [],
    halfGatedBody: undefined,
    halfGatedUsers: [],
    exemptUsers: [],
    isContent: false,
  };
  return { type: "TEST", audience, intents: 1, body: sharedBody("TEST", Buffer.from('"unnamed"')), ...none };
}

const anyUser = fc.nat({ max: userIds.length - 1 });
const anyGuild = fc.nat({ max: guildIds.length - 1 });
const anyUserId = fc.constantFrom(...userIds);
const anyChannel = fc.constantFrom(...channelIds);
const anyRoles = fc.subarray(roleIds);
const anyBits = fc.constantFrom(0n, Permission.VIEW_CHANNEL, Permission.MANAGE_CHANNELS);
const anyRoleId = fc.constantFrom(1n, ...roleIds);

const anyOverwrite = fc.oneof(
  fc.record({ id: anyRoleId, kind: fc.constant("role" as const), allow: anyBits, deny: anyBits }),
  fc.record({ id: anyUserId, kind: fc.constant("member" as const), allow: anyBits, deny: anyBits }),
);

const anyChange: fc.Arbitrary<TopicChange> = fc.oneof(
  fc.record({
    kind: fc.constant("role-put" as const),
    role: fc.record({ id: anyRoleId, permissions: anyBits }),
  }),
  fc.record({
    kind: fc.constant("channel-put" as const),
    channel: fc.record({
      id: anyChannel,
      type: fc.constant(0),
      parentId: fc.constant(0n),
      overwrites: fc.array(anyOverwrite, { maxLength: 2 }),
    }),
  }),
  fc.record({ kind: fc.constant("channel-delete" as const), id: anyChannel }),
  fc.record({ kind: fc.constant("member-roles" as const), userId: anyUserId, roleIds: anyRoles }),
  fc.record({ kind: fc.constant("member-gone" as const), userId: anyUserId }),
  fc.record({ kind: fc.constant("owner" as const), userId: anyUserId }),
);

const anyDispatch: fc.Arbitrary<Dispatch> = fc
  .record({
    audience: fc.oneof<fc.Arbitrary<Audience>[]>(
      fc.constant({ kind: "everyone" }),
      fc.record({ kind: fc.constant("users"), ids: fc.subarray(userIds) }),
      fc.record({ kind: fc.constant("guild"), permission: anyBits }),
      fc.record({ kind: fc.constant("channel"), channelId: anyChannel, permission: anyBits }),
      fc.record({ kind: fc.constant("gained"), channelId: anyChannel }),
      fc.record({ kind: fc.constant("lost"), channelId: anyChannel }),
    ),
    intents: fc.constantFrom(0, 1, 2),
    isGated: fc.boolean(),
    ungatedUsers: fc.subarray(userIds),
    exemptUsers: fc.subarray(userIds),
  })
  .map(({ audience, isGated, ...rest }) => ({
    ...dispatchTo(audience),
    ...rest,
    gatedBody: isGated ? sharedBody("TEST", Buffer.from('"gated"')) : undefined,
  }));

/** Anything that may happen. */
export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("event" as const),
      guild: anyGuild,
      changes: fc.array(anyChange, { maxLength: 2 }),
      dispatches: fc.array(anyDispatch, { maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("ephemeral" as const), guild: anyGuild, dispatch: anyDispatch }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("user event" as const), user: anyUser, dispatch: anyDispatch }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("join" as const), guild: anyGuild, user: anyUser, roles: anyRoles }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("own" as const), user: anyUser }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cut" as const), user: anyUser }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("resume" as const), user: anyUser }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("congest" as const), user: anyUser, on: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart topic" as const), guild: anyGuild }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), user: anyUser }) },
  { weight: 2, arbitrary: fc.constant({ kind: "checkpoint" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "flush" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("tick" as const), ms: fc.nat({ max: 90_000 }) }) },
);

/** A profile for each user. */
export const anyProfiles = fc.array(
  fc.record({ isBot: fc.boolean(), intents: fc.nat({ max: 3 }), seesContent: fc.boolean() }),
  { minLength: userIds.length, maxLength: userIds.length },
);
