import { Permission } from "@guildhall/permissions";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { lasting } from "./attachment.ts";
import { Body, Segment } from "./body.ts";
import { DispatchLog } from "./dispatch-log.ts";
import type { Audience, Dispatch, TopicChange, TopicEvent } from "./event.ts";
import { GuildTopic } from "./guild-topic.ts";
import { silentWriter } from "./log-writer.ts";
import { makeProfiles, type Profile } from "./profile.ts";
import { planResume } from "./resume.ts";
import type { Link, Session } from "./session.ts";
import { SessionTable } from "./session-table.ts";

const guildId = 1n;
const roleIds = [10n, 11n];
const channelIds = [20n, 21n, 22n];
const userIds = [100n, 101n, 102n];
const windowMs = 1_000;

type Sent = { s: number; name: string };

/** A client's end: what it has been sent, and whether its network is slow. */
class TestLink implements Link {
  readonly sent: Sent[] = [];
  isCongested = false;

  send(s: number, body: Body): void {
    this.sent.push({ s, name: nameOf(body) });
  }

  grant(): void {}
}

function nameOf(body: Body): string {
  return body.segments.map(({ bytes }) => Buffer.from(bytes).toString()).join("");
}

function bodyNamed(name: string): Body {
  return new Body([new Segment(Buffer.from(name), true)]);
}

/** A client that has a session: twins never lose their link, the others do. */
interface Client {
  readonly session: Session;
  readonly link: TestLink;
  /** What the client has in hand, by its own count. */
  received: Sent[];
}

type Step =
  | { kind: "event"; changes: TopicChange[]; dispatches: Dispatch[] }
  | { kind: "ephemeral"; dispatch: Dispatch }
  | { kind: "join"; user: number; roles: bigint[] }
  | { kind: "own"; user: number }
  | { kind: "cut"; user: number; lost: number }
  | { kind: "resume"; user: number }
  | { kind: "congest"; user: number; on: boolean }
  | { kind: "checkpoint" }
  | { kind: "pass"; ms: number };

class World {
  nowMs = 0;
  seq = 0;
  made = 0;
  readonly log: DispatchLog;
  readonly table: SessionTable;
  readonly topic: GuildTopic;
  readonly twins: Client[];
  readonly subjects: Client[];

  constructor(profiles: readonly Profile[]) {
    const nowMs = () => this.nowMs;
    this.log = new DispatchLog({ windowMs, maxBytes: 1 << 20 });
    this.table = new SessionTable({ log: this.log, writer: silentWriter, windowMs, maxSessions: 100, nowMs });
    this.topic = new GuildTopic(guildId, {
      log: this.log,
      writer: silentWriter,
      nowMs,
      onLeft: () => {},
      onGone: () => {},
    });
    const roles = [guildId, ...roleIds].map((id) => ({ id, permissions: Permission.VIEW_CHANNEL }));
    const channels = channelIds.map((id) => ({ id, type: 0, parentId: 0n, overwrites: [] }));
    this.topic.start({ guildId, ownerId: 1n, roles, channels }, 0);
    const clients = () => userIds.map((userId, user) => this.#client(userId, profiles[user] as Profile));
    this.twins = clients();
    this.subjects = clients();
  }

  #client(userId: bigint, profile: Profile): Client {
    const link = new TestLink();
    const id = `session-${this.made++}`;
    const seed = { id, userId, tokenHash: "", profile, shardId: 0, shardCount: 1, largeThreshold: 0, generation: 0 };
    const session = this.table.create(seed, link);
    session.s = 1;
    this.topic.attach(session, []);
    this.table.begin(session);
    return { session, link, received: [] };
  }

  of(user: number): Client[] {
    return [this.twins[user] as Client, this.subjects[user] as Client];
  }

  own(client: Client, name: string): void {
    const dispatch = { ...dispatchTo({ kind: "everyone" }, name), intents: 0 };
    const eventIndex = this.log.beginEvent();
    this.log.append(client.session, { eventIndex, seq: 0, dispatch, isEphemeral: false }, this.nowMs);
    if (client.session.link !== undefined) client.session.deliver(dispatch.body);
  }

  run(step: Step): void {
    switch (step.kind) {
      case "event": {
        const event: TopicEvent = {
          topic: guildId,
          epoch: 1,
          seq: ++this.seq,
          userChanges: [],
          traceparent: "",
          encoded: new Uint8Array(0),
          ...step,
        };
        this.topic.apply(this.#named(event));
        return;
      }
      case "ephemeral":
        this.topic.applyEphemeral({
          topic: guildId,
          asOf: this.seq,
          dispatch: step.dispatch,
          encoded: new Uint8Array(0),
        });
        return;
      case "join":
        for (const client of this.of(step.user)) {
          if (client.session.attachments.some(({ to }) => to === lasting)) continue;
          this.topic.attach(client.session, step.roles);
          this.own(client, `create-${step.user}`);
        }
        return;
      case "own":
        for (const client of this.of(step.user)) this.own(client, `own-${step.user}-${this.seq}`);
        return;
      case "cut":
        this.cut(this.subjects[step.user] as Client, step.lost);
        return;
      case "resume":
        this.resume(this.subjects[step.user] as Client);
        return;
      case "congest":
        (this.subjects[step.user] as Client).link.isCongested = step.on;
        return;
      case "checkpoint":
        this.table.checkpoint();
        return;
      case "pass":
        this.nowMs += step.ms;
        this.log.expire(this.nowMs);
        return;
      default:
        step satisfies never;
    }
  }

  /** Every dispatch has a name of its own, so that streams can be compared. */
  #named(event: TopicEvent): TopicEvent {
    const dispatches = event.dispatches.map((dispatch, sub) => ({
      ...dispatch,
      body: bodyNamed(`${event.seq}.${sub}`),
      gatedBody: dispatch.gatedBody && bodyNamed(`${event.seq}.${sub} gated`),
    }));
    return { ...event, dispatches };
  }

  /** The link breaks; the last few dispatches were on their way and are lost. */
  cut(client: Client, lost: number): void {
    if (client.session.link === undefined) return;
    this.take(client);
    client.received = client.received.slice(0, Math.max(0, client.received.length - lost));
    this.table.cut(client.session);
  }

  take(client: Client): void {
    client.received.push(...client.link.sent.splice(0));
  }

  /** The client resumes from what it has; true when it could. */
  resume(client: Client): boolean {
    const { session, link } = client;
    if (session.link !== undefined || session.hasEnded) return session.link !== undefined;
    const plan = planResume(this.log, session, client.received.at(-1)?.s ?? 1);
    if (plan.kind !== "replay") {
      this.table.end(session);
      return false;
    }
    for (const { s, body } of plan.missed) client.received.push({ s, name: nameOf(body) });
    this.table.relink(session, link, plan.s);
    return true;
  }
}

function dispatchTo(audience: Audience, name = "unnamed"): Dispatch {
  const body = bodyNamed(name);
  const none = {
    gatedBody: undefined,
    ungatedUsers: [],
    halfGatedBody: undefined,
    halfGatedUsers: [],
    exemptUsers: [],
    isContent: false,
  };
  return { type: "TEST", audience, intents: 1, body, ...none };
}

const anyUser = fc.nat({ max: userIds.length - 1 });
const anyUserId = fc.constantFrom(...userIds);
const anyChannel = fc.constantFrom(...channelIds);
const anyRoles = fc.subarray(roleIds);
const anyBits = fc.constantFrom(0n, Permission.VIEW_CHANNEL, Permission.MANAGE_CHANNELS);

const anyChange: fc.Arbitrary<TopicChange> = fc.oneof(
  fc.record({
    kind: fc.constant("role-put" as const),
    role: fc.record({ id: fc.constantFrom(guildId, ...roleIds), permissions: anyBits }),
  }),
  fc.record({
    kind: fc.constant("channel-put" as const),
    channel: fc.record({
      id: anyChannel,
      type: fc.constant(0),
      parentId: fc.constant(0n),
      overwrites: fc.array(
        fc.oneof(
          fc.record({
            id: fc.constantFrom(guildId, ...roleIds),
            kind: fc.constant("role" as const),
            allow: anyBits,
            deny: anyBits,
          }),
          fc.record({ id: anyUserId, kind: fc.constant("member" as const), allow: anyBits, deny: anyBits }),
        ),
        { maxLength: 2 },
      ),
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
    gatedBody: isGated ? bodyNamed("gated") : undefined,
  }));

const anyStep = (withCongestion: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("event" as const),
        changes: fc.array(anyChange, { maxLength: 2 }),
        dispatches: fc.array(anyDispatch, { maxLength: 4 }),
      }),
    },
    {
      weight: withCongestion ? 6 : 2,
      arbitrary: fc.record({ kind: fc.constant("ephemeral" as const), dispatch: anyDispatch }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("join" as const), user: anyUser, roles: anyRoles }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("own" as const), user: anyUser }) },
    {
      weight: withCongestion ? 0 : 3,
      arbitrary: fc.record({ kind: fc.constant("cut" as const), user: anyUser, lost: fc.nat({ max: 8 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("resume" as const), user: anyUser }) },
    { weight: 2, arbitrary: fc.constant({ kind: "checkpoint" as const }) },
    {
      weight: withCongestion ? 4 : 0,
      arbitrary: fc.record({ kind: fc.constant("congest" as const), user: anyUser, on: fc.boolean() }),
    },
  );

const anyProfiles = fc
  .array(fc.record({ isBot: fc.boolean(), intents: fc.nat({ max: 3 }), seesContent: fc.boolean() }), {
    minLength: userIds.length,
    maxLength: userIds.length,
  })
  .map((profiles) => {
    const table = makeProfiles();
    return profiles.map((profile) => table.intern(profile));
  });

test("what a resumed client has is what a client that was always connected has", () => {
  fc.assert(
    fc.property(anyProfiles, fc.array(anyStep(false), { maxLength: 60 }), (profiles, steps) => {
      const world = new World(profiles);
      for (const step of steps) world.run(step);
      userIds.forEach((_, user) => {
        const [twin, subject] = world.of(user) as [Client, Client];
        world.cut(subject, 3);
        expect(world.resume(subject)).toBe(true);
        world.take(twin);
        world.take(subject);
        expect(subject.received).toEqual(twin.received);
        expect(subject.received.map(({ s }) => s)).toEqual(subject.received.map((_each, place) => place + 2));
      });
    }),
    { numRuns: 400 },
  );
});

test("what is sent again is what was sent, whatever was left out for a slow client", () => {
  fc.assert(
    fc.property(
      anyProfiles,
      fc.array(anyStep(true), { maxLength: 60 }),
      fc.nat({ max: 6 }),
      (profiles, steps, from) => {
        const world = new World(profiles);
        for (const step of steps) world.run(step);
        for (const subject of world.subjects) {
          world.cut(subject, 0);
          const before = [...subject.received];
          subject.received = subject.received.slice(0, from);
          expect(world.resume(subject)).toBe(true);
          expect(subject.received.slice(0, before.length)).toEqual(before);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test("when the log has forgotten, a resume is refused or complete, never partial", () => {
  const anyTimedStep = fc.oneof(
    { weight: 6, arbitrary: anyStep(false) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: 700 }) }) },
  );
  fc.assert(
    fc.property(anyProfiles, fc.array(anyTimedStep, { maxLength: 80 }), (profiles, steps) => {
      const world = new World(profiles);
      for (const step of steps) world.run(step);
      userIds.forEach((_, user) => {
        const [twin, subject] = world.of(user) as [Client, Client];
        world.cut(subject, 3);
        if (!world.resume(subject)) return;
        world.take(twin);
        world.take(subject);
        expect(subject.received).toEqual(twin.received);
      });
    }),
    { numRuns: 300 },
  );
});
