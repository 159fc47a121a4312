import { Permission } from "@guildhall/permissions";
import { makeVisibility } from "@guildhall/visibility";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { convertShape } from "../src/topics/convert.ts";
import type { CoreClient, CoreGateway } from "./support/core-gateway.ts";
import { CoreWorld } from "./support/core-world.ts";
import { commonIntents, guildId, openChannel, staffChannel, staffOnly, staffRole } from "./support/populated.ts";
import type { Payload } from "./support/test-client.ts";
import { makeDispatch, viewers } from "./support/test-guild.ts";

const guildIds = [guildId, 6n << 22n];
const userIds = [7n, 9n, 11n];
const channelIds = [openChannel, staffChannel];
const maxGateways = 8;

type Step =
  | { kind: "message"; guild: number; channel: number }
  | { kind: "roles"; guild: number; user: number; isStaff: boolean }
  | { kind: "channel"; guild: number; isOpen: boolean }
  | { kind: "typing"; guild: number }
  | { kind: "user event"; user: number }
  | { kind: "kick"; guild: number; user: number }
  | { kind: "drop"; user: number; lost: number }
  | { kind: "resume"; user: number; gateway: number }
  | { kind: "kill"; gateway: number }
  | { kind: "cut off"; gateway: number; isOn: boolean }
  | { kind: "add gateway" }
  | { kind: "lag"; gateway: number; ms: number }
  | { kind: "lose"; gateway: number; items: number }
  | { kind: "pass"; ms: number };

/** What a user has, over all connections, and what it should have by now. */
interface Person {
  readonly userId: bigint;
  readonly sessionId: string;
  /** What it said last that it has: it never has less later. */
  toldSeq: number;
  readonly firstSeq: number;
  received: Payload[];
  readonly expected: string[];
  client: CoreClient | undefined;
}

class Story {
  readonly world: CoreWorld;
  readonly people: Person[] = [];
  #made = 0;

  constructor(seed: number) {
    this.world = new CoreWorld(seed);
    for (const id of guildIds) {
      const guild = this.world.addGuild(id);
      guild.emit([], [{ $case: "rolePut", value: { id: staffRole, permissions: 0n } }]);
      guild.emit([], [{ $case: "channelPut", value: { id: openChannel, type: 0, parentId: 0n, overwrites: [] } }]);
      guild.emit([], [{ $case: "channelPut", value: this.#staffChannel(id, false) }]);
    }
    for (const id of userIds) this.world.addUser(id, guildIds);
    for (let count = 0; count < 3; count++) this.world.addGateway();
  }

  async begin(): Promise<void> {
    for (const [place, userId] of userIds.entries()) {
      const client = await this.world.identify(this.world.gateways[place % 2] as CoreGateway, userId, commonIntents);
      const { sessionId } = client;
      this.people.push({
        userId,
        sessionId,
        firstSeq: client.lastS,
        toldSeq: client.lastS,
        received: [],
        expected: [],
        client,
      });
    }
  }

  async run(step: Step): Promise<void> {
    const { world } = this;
    const person = "user" in step ? (this.people[step.user] as Person) : undefined;
    switch (step.kind) {
      case "message": {
        const channelId = channelIds[step.channel] as bigint;
        const id = guildIds[step.guild] as bigint;
        const content = `${id} ${this.#made++}`;
        for (const each of this.people) if (this.#sees(each.userId, id, channelId)) each.expected.push(content);
        world.emit(id, [makeDispatch("MESSAGE_CREATE", { content }, { of: viewers(channelId) })]);
        return;
      }
      case "roles": {
        const id = guildIds[step.guild] as bigint;
        const { userId } = person as Person;
        if (!world.guild(id).members.has(userId)) return;
        const value = { userId, roleIds: step.isStaff ? [staffRole] : [] };
        world.emit(id, [makeDispatch("GUILD_MEMBER_UPDATE", {})], [{ $case: "memberRoles", value }]);
        return;
      }
      case "channel": {
        const id = guildIds[step.guild] as bigint;
        const value = this.#staffChannel(id, step.isOpen);
        world.emit(
          id,
          [makeDispatch("CHANNEL_UPDATE", {}, { of: viewers(staffChannel) })],
          [{ $case: "channelPut", value }],
        );
        return;
      }
      case "typing":
        world.emitEphemeral(
          guildIds[step.guild] as bigint,
          makeDispatch("TYPING_START", {}, { of: viewers(openChannel) }),
        );
        return;
      case "user event": {
        const content = `user ${this.#made++}`;
        (person as Person).expected.push(content);
        world.emitUser((person as Person).userId, [], [makeDispatch("USER_UPDATE", { content })]);
        return;
      }
      case "kick": {
        const id = guildIds[step.guild] as bigint;
        const { userId, expected } = person as Person;
        if (!world.guild(id).members.has(userId)) return;
        expected.push(`${id} gone`);
        const of = { $case: "users" as const, value: { ids: [userId] } };
        const gone = makeDispatch("GUILD_DELETE", { id: String(id), content: `${id} gone` }, { of });
        world.emit(id, [gone], [{ $case: "memberGone", value: userId }]);
        world.users.get(userId)?.guilds.delete(id);
        world.emitUser(userId, [{ $case: "guildLeft", value: id }]);
        return;
      }
      case "drop":
        this.drop(person as Person, step.lost);
        return;
      case "resume":
        await this.resume(person as Person, this.#alive(step.gateway));
        return;
      case "kill": {
        if (world.gateways.filter(({ isAlive }) => isAlive).length < 2) world.addGateway();
        const gateway = this.#alive(step.gateway);
        world.kill(gateway);
        for (const each of this.people) if (each.client?.core === gateway.core) this.drop(each, 0);
        return;
      }
      case "cut off":
        this.#alive(step.gateway).isCutOff = step.isOn;
        return;
      case "lag":
        this.#alive(step.gateway).lagMs = step.ms;
        return;
      case "lose":
        this.#alive(step.gateway).dropNext = step.items;
        return;
      case "add gateway":
        if (world.gateways.filter(({ isAlive }) => isAlive).length < maxGateways) world.addGateway();
        return;
      case "pass":
        await world.pass(step.ms);
        return;
      default:
        step satisfies never;
    }
  }

  /** Every client comes back, and gets what there is. */
  async end(): Promise<void> {
    for (const person of this.people) {
      this.#take(person);
      if (person.client?.closedWith !== undefined) person.client = undefined;
      await this.resume(person, this.#alive(person.received.length));
    }
    await this.world.pass(4_000);
    for (const person of this.people) this.drop(person, 0);
  }

  /** The connection breaks; the last few dispatches were on their way and are lost. */
  drop(person: Person, lost: number): void {
    if (person.client === undefined) return;
    this.#take(person);
    const least = person.received.filter(({ s }) => (s ?? 0) <= person.toldSeq).length;
    person.received = person.received.slice(0, Math.max(least, person.received.length - lost));
    person.client.drop();
    person.client = undefined;
  }

  async resume(person: Person, gateway: CoreGateway): Promise<void> {
    if (person.client !== undefined && person.client.closedWith === undefined) return;
    if (person.client !== undefined) this.drop(person, 0);
    const seq = person.received.at(-1)?.s ?? person.firstSeq;
    person.toldSeq = seq;
    person.client = await this.world.resume(gateway, person.userId, person.sessionId, seq);
    expect([person.client.isRefused, person.client.closedWith]).toEqual([false, undefined]);
  }

  #take(person: Person): void {
    const { client, firstSeq } = person;
    const after = person.received.at(-1)?.s ?? firstSeq;
    person.received.push(...(client?.dispatches ?? []).filter(({ s }) => (s ?? 0) > after));
  }

  #alive(place: number): CoreGateway {
    const alive = this.world.gateways.filter(({ isAlive }) => isAlive);
    return alive[place % alive.length] as CoreGateway;
  }

  #sees(userId: bigint, id: bigint, channelId: bigint): boolean {
    const guild = this.world.guild(id);
    const roleIds = guild.members.get(userId);
    if (roleIds === undefined) return false;
    return makeVisibility(convertShape(guild.shape())).viewOf({ userId, roleIds }).canSee(channelId);
  }

  #staffChannel(id: bigint, isOpen: boolean) {
    const { overwrites, ...rest } = staffOnly();
    const [, forStaff] = overwrites;
    const forAll = { id, type: 0, allow: 0n, deny: Permission.VIEW_CHANNEL };
    return { ...rest, overwrites: isOpen || forStaff === undefined ? [] : [forAll, forStaff] };
  }
}

const anyGuild = fc.nat({ max: guildIds.length - 1 });
const anyUser = fc.nat({ max: userIds.length - 1 });
const anyGateway = fc.nat({ max: maxGateways - 1 });
const step = <K extends Step["kind"]>(kind: K) => fc.constant(kind);

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: step("message"), guild: anyGuild, channel: fc.nat({ max: 1 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: step("roles"), guild: anyGuild, user: anyUser, isStaff: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: step("channel"), guild: anyGuild, isOpen: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: step("typing"), guild: anyGuild }) },
  { weight: 2, arbitrary: fc.record({ kind: step("user event"), user: anyUser }) },
  { weight: 1, arbitrary: fc.record({ kind: step("kick"), guild: anyGuild, user: anyUser }) },
  { weight: 4, arbitrary: fc.record({ kind: step("drop"), user: anyUser, lost: fc.nat({ max: 5 }) }) },
  { weight: 6, arbitrary: fc.record({ kind: step("resume"), user: anyUser, gateway: anyGateway }) },
  { weight: 2, arbitrary: fc.record({ kind: step("kill"), gateway: anyGateway }) },
  { weight: 1, arbitrary: fc.record({ kind: step("cut off"), gateway: anyGateway, isOn: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: step("add gateway") }) },
  { weight: 2, arbitrary: fc.record({ kind: step("lag"), gateway: anyGateway, ms: fc.nat({ max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: step("lose"), gateway: anyGateway, items: fc.nat({ max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: step("pass"), ms: fc.nat({ max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: step("pass"), ms: fc.nat({ max: 8_000 }) }) },
);

/** The parts of a stream that belong to one topic. */
function ofTopic(contents: readonly string[], topic: string): string[] {
  return contents.filter((content) => content.startsWith(`${topic} `));
}

test("whatever dies, and wherever clients resume: each gets all that it may see, once, in order, numbered by one", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 10_000 }),
      fc.array(anyStep, { minLength: 10, maxLength: 60, size: "max" }),
      async (seed, steps) => {
        const story = new Story(seed);
        await story.begin();
        for (const each of steps) await story.run(each);
        await story.end();
        for (const { received, expected, firstSeq } of story.people) {
          expect(received.map(({ s }) => s)).toEqual(received.map((_, place) => firstSeq + 1 + place));
          const contents = received.flatMap(({ d }) => (d as { content?: string } | null)?.content ?? []);
          for (const topic of [...guildIds.map(String), "user"]) {
            expect(ofTopic(contents, topic)).toEqual(ofTopic(expected, topic));
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});
