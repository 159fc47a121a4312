import { GuildhallError } from "@guildhall/errors";
import {
  type BusItem,
  type Command,
  type CommandResult,
  DirectoryKind,
  Event,
  HandoffRequest,
  type Opened,
  type Profile,
  type Read,
  type SlotRange,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { fromFailure } from "@guildhall/rpc";
import { formatRange, makeShardMap, rangeContains, slotOf } from "@guildhall/slots";
import { makeIdGenerator, smallestIdAt } from "@guildhall/snowflake";
import { makeManualTime, waitFor } from "@guildhall/testing";
import {
  allHostGuards,
  defaultLimits,
  type Host,
  type HostGuards,
  type HostLimits,
  makeHost,
} from "../src/domain/index.ts";
import type { Peer, Peers } from "../src/domain/ports.ts";
import { type Faults, faulty } from "./faulty.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { MemoryDirectory, MemoryMemberships, MemoryStore } from "./memory-store.ts";
import { TestCoordinator } from "./test-coordinator.ts";

/**
 * How a host is started. `from` is the incarnation that its order names; `skewMs` puts its clock ahead. `range` is what it
 * is ordered to take; null: nothing.
 */
export interface StartOptions {
  readonly limits?: Partial<HostLimits>;
  readonly from?: string;
  readonly skewMs?: number;
  readonly range?: SlotRange | null;
  readonly guards?: Partial<HostGuards>;
  /** Where it is reached. */
  readonly address?: string;
  /** Other hosts, in another way than in memory. */
  readonly peers?: Peers;
}

let people = 0n;

/** Makes an account's profile. */
export function person(username: string, more: Partial<Profile> = {}): Profile {
  people++;
  const id = smallestIdAt(1_700_000_000_000) + people;
  return { id, username, globalName: "", avatar: "", bot: false, publicFlags: 0n, ...more };
}

/** Hosts that share one memory and one manual time, and one guild to work on. */
export class Fleet {
  readonly time = makeManualTime();
  readonly journal = new MemoryJournal();
  readonly store = new MemoryStore();
  readonly directory = new MemoryDirectory();
  readonly memberships = new MemoryMemberships();
  readonly #apiIds = makeIdGenerator({ workerId: 1, nowMs: this.time.clock.nowMs });
  readonly guildId = this.#apiIds.next();
  readonly coordinator = new TestCoordinator();
  readonly #hosts = new Map<string, FleetHost>();
  #incarnations = 0;

  constructor() {
    this.store.ownerOf = (range) => this.journal.highestIn(range);
  }

  requestId(): bigint {
    return this.#apiIds.next();
  }

  /** A command of somebody, with a request id of its own. */
  commandOf(profile: Profile | undefined, body: NonNullable<Command["body"]>, more: Partial<Command> = {}): Command {
    const actor = profile && { profile, applicationId: 0n };
    return { requestId: this.requestId(), actor, reason: "", body, ...more };
  }

  /** Starts a host that is ordered to take everything, and waits until it serves. */
  async start(name: string, options: StartOptions = {}): Promise<FleetHost> {
    const on = this.begin(name, options);
    if (options.range !== null) await waitFor(() => on.host?.serving);
    return on;
  }

  /** Starts a host that is ordered to take everything. */
  begin(name: string, options: StartOptions = {}): FleetHost {
    const { limits = {}, from = "", skewMs = 0, range = { i: 0, n: 1 }, guards = {}, peers } = options;
    this.#incarnations++;
    const incarnation = `${name}-${this.#incarnations}`;
    const { nowMs } = this.time.clock;
    const clock = { ...this.time.clock, nowMs: () => nowMs() + skewMs };
    const on = new FleetHost(this, name, incarnation, options.address);
    if (range !== null) this.coordinator.order(name, range, { fromIncarnation: from });
    const { journal, store, directory, memberships } = this;
    const faults = () => on.journalFaults;
    on.host = makeHost(
      {
        ...{ store, directory, memberships, clock },
        journal: faulty(journal, ["append", "takeEpoch", "readEpochs", "readTopic"], faults),
        bus: { publish: (items) => void on.items.push(...items), opened: (opened) => void on.opened.push(...opened) },
        coordinator: this.coordinator.portOf(() => on.reachable, nowMs),
        peers: peers ?? { at: (address) => this.#peer(on, address) },
        ownerMap: makeShardMap(),
        statistics: { cpuSeconds: () => 0, memoryBytes: () => 0 },
        timers: { ...this.time.timers, soon: (work) => queueMicrotask(work) },
        ids: makeIdGenerator({ workerId: 10 + this.#incarnations, nowMs: clock.nowMs }),
        reporter: { warn: () => {}, handoffEnded: () => {} },
      },
      { name, address: on.address, incarnation, version: "0", limits: { ...defaultLimits, gatherMs: 0, ...limits } },
      { ...allHostGuards, ...guards },
    );
    this.#hosts.set(on.address, on);
    return on;
  }

  /** An id of a guild whose slot is in a range. */
  guildIn(range: SlotRange): bigint {
    let id = this.#apiIds.next();
    while (!rangeContains(range, slotOf(id))) id += 1n << 22n;
    return id;
  }

  /** The topic of what a command or a read names. */
  topicOf(value: object): bigint {
    if ("guildId" in value && typeof value.guildId === "bigint") return value.guildId;
    const channelId = "channelId" in value ? value.channelId : undefined;
    return this.directory.entries.get(`${DirectoryKind.DIRECTORY_KIND_CHANNEL}/${channelId}`) ?? this.guildId;
  }

  /** Sends a command as a router does: to the owner that an answer names, with the same request id. */
  async route(first: FleetHost, command: Command, timeoutMs = 0): Promise<CommandResult> {
    const topic = this.topicOf(command.body?.value ?? {});
    let on = first;
    for (let tries = 0; tries < 100; tries++) {
      const answer = await on.ask({ $case: "command", value: command }, topic, timeoutMs);
      if (answer?.$case !== "notOwner") return unwrap(answer, "command");
      const { address } = answer.value;
      on = this.#hosts.get(address) ?? on;
      if (address === "") await new Promise<void>((resolve) => this.time.timers.after(20, resolve));
    }
    throw new Error("nobody owns it");
  }

  /** One host, as another one reaches it. */
  #peer(from: FleetHost, address: string): Peer {
    const ask = async (body: NonNullable<HandoffRequest["body"]>) => {
      const to = this.#hosts.get(address);
      if (to?.host === undefined || to.isDead) throw new GuildhallError("UNAVAILABLE", "no such host");
      // As if it had gone over the wire.
      const sent = HandoffRequest.decode(HandoffRequest.encode({ id: 1n, traceparent: "", body }).finish());
      const answer = await to.host.handoff(sent);
      if (to.isDead || from.isDead) return new Promise<never>(() => {});
      return answer?.value as never;
    };
    const peer: Peer = {
      begin: (value) => ask({ $case: "begin", value }),
      copy: (value) => ask({ $case: "copy", value }),
      commit: (value) => ask({ $case: "commit", value }),
      abandon: (moveId) => ask({ $case: "abandon", value: { moveId } }),
    };
    return faulty(peer, ["begin", "copy", "commit", "abandon"], () => from.peerFaults);
  }
}

/** A host on memory, with what it published. */
export class FleetHost implements Disposable {
  host: Host | undefined;
  readonly name: string;
  readonly incarnation: string;
  readonly address: string;
  readonly items: BusItem[] = [];
  readonly opened: Opened[] = [];
  /** Whether the coordinator answers. */
  reachable = true;
  /** Killed: nothing that it does has any effect. */
  isDead = false;
  journalFaults: Faults = () => undefined;
  peerFaults: Faults = () => undefined;
  readonly #fleet: Fleet;

  constructor(fleet: Fleet, name: string, incarnation: string, address = `unix:/tmp/${name}`) {
    this.#fleet = fleet;
    this.address = address;
    this.name = name;
    this.incarnation = incarnation;
  }

  /** What it serves: "0/2@3". */
  get serves(): string[] {
    return (this.host?.shards ?? []).map(({ range, row }) => `${formatRange(range)}@${row.epoch}`).sort();
  }

  /** Durable events that were published, decoded. */
  events(): Event[] {
    return this.items.flatMap(({ of }) => (of?.$case === "event" ? [Event.decode(of.value)] : []));
  }

  /** As after kill -9: it reaches nobody, and nobody reaches it. */
  kill(): void {
    this.isDead = true;
    this.reachable = false;
    this.journalFaults = () => new Promise(() => {});
    this.peerFaults = () => new Promise(() => {});
  }

  ask(body: TopicRequest["body"], topic = this.#fleet.guildId, timeoutMs = 0): Promise<TopicReply["body"]> {
    const { host } = this;
    if (host === undefined) throw new Error("not started");
    return host.handle({ id: 1n, traceparent: "", topic, timeoutMs, body });
  }

  async command(
    profile: Profile | undefined,
    body: NonNullable<Command["body"]>,
    more: Partial<Command> = {},
  ): Promise<CommandResult> {
    const command = this.#fleet.commandOf(profile, body, more);
    return unwrap(await this.ask({ $case: "command", value: command }, this.#fleet.topicOf(body.value)), "command");
  }

  /** A read's JSON, or its grant. */
  async read(profile: Profile | undefined, body: NonNullable<Read["body"]>): Promise<unknown> {
    const actor = profile && { profile, applicationId: 0n };
    const answer = await this.ask({ $case: "read", value: { actor, body } }, this.#fleet.topicOf(body.value));
    const { of } = unwrap(answer, "read");
    return of?.$case === "json" ? JSON.parse(of.value.toString()) : of?.value;
  }

  [Symbol.dispose](): void {
    this.host?.[Symbol.dispose]();
  }
}

type Answer = NonNullable<TopicReply["body"]>;
type AnswerOf<C extends Answer["$case"]> = Extract<Answer, { $case: C }>;

/** The value of an answer's case; throws what a failure says. */
export function unwrap<C extends Answer["$case"]>(body: TopicReply["body"], kind: C): AnswerOf<C>["value"] {
  if (body?.$case === "failure") throw fromFailure(body.value);
  if (body?.$case !== kind) throw new Error(`answered ${body?.$case} instead of ${kind}`);
  return body.value as unknown as AnswerOf<C>["value"];
}

/** An answer's JSON. */
export function jsonOf({ json }: CommandResult): Record<string, unknown> {
  return JSON.parse(json.toString()) as Record<string, unknown>;
}
