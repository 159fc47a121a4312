import {
  type Command,
  CreateMessage,
  EditChannel,
  type Profile,
  type Read,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { type IdGenerator, makeIdGenerator } from "@guildhall/snowflake";
import { checkAll } from "../checks/check-all.ts";
import type { ReadWhat, Violation } from "../checks/evidence.ts";
import { type Listener, startListener } from "../clients/listener.ts";
import { createSimGuild, type SimGuild } from "../clients/sim-guild.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimClient, type SimClient } from "../network/exchange.ts";
import { type JournalKind, World, type WorldGuards } from "../world/world.ts";
import { makeScriptedOrders, type ScriptedOrders } from "./scripted-orders.ts";

/** A command with the request id that it keeps however often it is sent. */
export interface SentCommand {
  readonly requestId: bigint;
  /** The host or router that it goes to. */
  readonly to: string;
  readonly by: Profile;
  readonly body: NonNullable<Command["body"]>;
  /** Whether its sender is not to hear of the answer. */
  readonly isLost?: boolean;
}

/** On what stage. */
export interface SceneOptions {
  readonly guards: WorldGuards;
  readonly journal: JournalKind;
  readonly gateways: number;
}

type Answer = TopicReply["body"];

const workerOfTheScript = 1_000;
const askMs = 30_000;
const recoveryMs = 10_000;
const settleMs = 5_000;
const all = { before: 0n, after: 0n, around: 0n, limit: 100 };

/** Two hosts, a router, and one guild at the first host: the stage on which a schedule is played. */
export class Scene {
  readonly world: World;
  readonly orders: ScriptedOrders;
  readonly #caller: SimProcess;
  readonly #ids: IdGenerator;
  readonly #clients = new Map<string, SimClient<TopicRequest, TopicReply>>();
  #guild: SimGuild | undefined;

  constructor(seed: number, { guards, journal, gateways }: SceneOptions) {
    this.orders = makeScriptedOrders();
    const { script } = this.orders;
    this.world = new World({
      ...{ seed, script, guards, journal },
      ...{ shards: 1, hosts: 2, routers: 1, apis: 1, gateways },
    });
    this.world.start();
    this.#caller = this.world.machines.install("caller", () => {});
    this.#ids = makeIdGenerator({ workerId: workerOfTheScript, nowMs: () => this.#caller.clock.nowMs() });
  }

  /** The guild that it is all about. */
  get guild(): SimGuild {
    if (this.#guild === undefined) throw new Error("the scene is not set");
    return this.#guild;
  }

  get nowMs(): number {
    return this.world.engine.nowMs;
  }

  /** Has the first host own everything, with a guild in it. */
  async set(): Promise<void> {
    this.orders.take("guild-0", "");
    await this.until("the first host serves", () => this.serves("guild-0"));
    const making = createSimGuild(this.world.client("maker"), this.world.planGuild(2));
    this.#guild = await this.done("the guild is made", making);
  }

  /** The incarnation that runs under a name. */
  incarnation(name: string): string {
    return this.world.machines.at(name).incarnation;
  }

  serves(host: string): boolean {
    return this.world.hosts.get(host)?.serving === true && this.world.machines.at(host).isAlive;
  }

  /** Has a host take everything from another, and waits until it serves. */
  async takeOver(host: string, from: string): Promise<void> {
    this.orders.take(host, this.incarnation(from));
    await this.until(`${host} serves`, () => this.serves(host));
  }

  /** Whether a move has ended, and the second host serves. */
  hasMoved(moveId: string): boolean {
    return this.orders.hasEnded(moveId) && this.serves("guild-1");
  }

  /** A new request id, made now. */
  requestId(): bigint {
    return this.#ids.next();
  }

  /** A message to the guild's main channel. */
  message(content: string, to: string, more: Partial<SentCommand> = {}): SentCommand {
    const value = CreateMessage.fromPartial({ channelId: this.guild.general, content });
    return { requestId: this.requestId(), to, by: this.guild.owner, body: { $case: "createMessage", value }, ...more };
  }

  /** Sends a command once; the answer is what its sender was told, unless that is lost. */
  async send({ requestId, to, by, body, isLost = false }: SentCommand): Promise<Answer> {
    const { evidence } = this.world;
    const command: Command = { requestId, actor: { profile: by, applicationId: 0n }, reason: "", body };
    if (!evidence.commands.has(requestId)) evidence.began(requestId, command);
    const answer = await this.#ask(to, { $case: "command", value: command });
    if (isLost) return answer;
    if (answer?.$case === "command") evidence.ended(requestId, { result: answer.value });
    if (answer?.$case === "failure") evidence.ended(requestId, { code: answer.value.code });
    return answer;
  }

  /** A new name for the channel whose name counts up. */
  rename(name: string, to: string): SentCommand {
    const value = EditChannel.fromPartial({ channelId: this.guild.register, name });
    return { requestId: this.requestId(), to, by: this.guild.owner, body: { $case: "editChannel", value } };
  }

  /** Reads a channel, or its history; what the asker saw becomes evidence. */
  async read(what: ReadWhat, by: Profile, to: string): Promise<Answer> {
    const { evidence } = this.world;
    const { kind, channelId } = what;
    const body: NonNullable<Read["body"]> =
      kind === "history"
        ? { $case: "listMessages", value: { channelId, ...all } }
        : { $case: "getChannel", value: { channelId } };
    const beganMs = evidence.nowMs;
    const answer = await this.#ask(to, { $case: "read", value: { actor: { profile: by, applicationId: 0n }, body } });
    const seen = seenIn(answer);
    if (seen !== undefined) {
      const asked = { guildId: this.guild.id, asker: by.id, what };
      evidence.reads.push({ ...asked, beganMs, endedMs: evidence.nowMs, answer: seen });
    }
    return answer;
  }

  /** Somebody reads, at whoever the router finds, what everybody should know by now. */
  async shown(what: ReadWhat, by = this.guild.people[0] as Profile): Promise<void> {
    await this.pass(1);
    const answer = await this.done(`${what.kind} is read`, this.read(what, by, "router-0"));
    if (answer?.$case !== "read") throw new Error(`${what.kind} was answered with ${answer?.$case}`);
  }

  /** The guild's first person listens at one of these gateways, which may change; waits until the guild is shown. */
  async listens(gateways: readonly string[]): Promise<Listener> {
    const { network, machines, random, evidence, accounts } = this.world;
    const profile = this.guild.people[0] as Profile;
    const token = `token of ${profile.id}`;
    accounts.register(profile, token);
    const process = machines.install("listener", () => {});
    const listener = startListener(network, {
      ...{ process, profile, token, gateways, evidence, random: random.fork("listener"), intents: undefined },
    });
    await this.until("the guild is shown", () => hasGuild(listener));
    return listener;
  }

  /** `recovery`: a message that is sent to the router now is acked in time. */
  async answered(): Promise<void> {
    let isAcked = false;
    this.send(this.message("still there", "router-0")).then(
      (answer) => {
        isAcked = answer?.$case === "command";
      },
      () => {},
    );
    await this.world.engine.run(this.nowMs + recoveryMs, () => isAcked);
    if (!isAcked) this.world.evidence.violate("recovery", `the guild is not served within ${recoveryMs} ms`, []);
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.engine.run(this.nowMs + ms);
  }

  /** Lets things happen until something is so. */
  async until(what: string, isSo: () => boolean, withinMs = 20_000): Promise<void> {
    await this.world.engine.run(this.nowMs + withinMs, isSo);
    if (!isSo()) throw new Error(`not so within ${withinMs} ms: ${what}`);
  }

  /** Lets things happen until a promise is settled. */
  async done<T>(what: string, promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = promise.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    await this.until(what, () => isOver, askMs);
    return over;
  }

  /** Lets everything come to rest, and gives what is wrong. */
  async violations(): Promise<readonly Violation[]> {
    await this.pass(settleMs);
    const { evidence, disk, journaled } = this.world;
    checkAll(journaled, disk.store, evidence);
    return evidence.violations;
  }

  async #ask(to: string, body: TopicRequest["body"]): Promise<Answer> {
    const request = { traceparent: "", topic: this.guild.id, timeoutMs: askMs, body };
    const { body: answer } = await this.#clientOf(to).callRaw(request, { timeoutMs: askMs });
    return answer;
  }

  #clientOf(name: string): SimClient<TopicRequest, TopicReply> {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = makeSimClient<TopicRequest, TopicReply>(this.world.network, {
        ...{ process: this.#caller, address: `sim:${name}`, service: "exchange" },
        blank: { topic: 0n, timeoutMs: 0 },
      });
      this.#clients.set(name, client);
    }
    return client;
  }
}

function hasGuild({ session }: Listener): boolean {
  return session?.dispatches.some(({ t, d }) => t === "GUILD_CREATE" || (t === "READY" && hasChannels(d))) ?? false;
}

function hasChannels({ guilds }: Readonly<Record<string, unknown>>): boolean {
  return (guilds as readonly object[]).some((guild) => "channels" in guild);
}

function seenIn(answer: Answer): { readonly json: unknown } | { readonly code: string } | undefined {
  if (answer?.$case === "failure") return { code: answer.value.code };
  if (answer?.$case !== "read" || answer.value.of?.$case !== "json") return undefined;
  return { json: JSON.parse(answer.value.of.value.toString()) };
}
