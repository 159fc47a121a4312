import { GuildhallError } from "@guildhall/errors";
import {
  type BusItem,
  type Command,
  type CommandResult,
  Event,
  type HostRenewed,
  Order,
  type Profile,
  type Read,
  type RenewHost,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { fromFailure } from "@guildhall/rpc";
import { makeShardMap } from "@guildhall/slots";
import { makeIdGenerator, smallestIdAt } from "@guildhall/snowflake";
import { makeManualTime, waitFor } from "@guildhall/testing";
import { type Host, makeHost } from "../src/domain/hosting/host.ts";
import { defaultLimits, type HostLimits } from "../src/domain/hosting/host-config.ts";
import type { Peer } from "../src/domain/ports.ts";
import { MemoryJournal } from "./memory-journal.ts";
import { MemoryDirectory, MemoryMemberships, MemoryStore } from "./memory-store.ts";

/** How a host is started. `from` is the incarnation that its order names; `skewMs` puts its clock ahead. */
export interface StartOptions {
  readonly limits?: Partial<HostLimits>;
  readonly from?: string;
  readonly skewMs?: number;
}

let people = 0n;

const refuse = () => Promise.reject(new GuildhallError("UNAVAILABLE", "no such host"));
const nobody: Peer = { begin: refuse, copy: refuse, commit: refuse, abandon: refuse };

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
  #incarnations = 0;

  requestId(): bigint {
    return this.#apiIds.next();
  }

  /** Starts a host that is ordered to take everything, and waits until it serves. */
  async start(name: string, options?: StartOptions): Promise<FleetHost> {
    const on = this.begin(name, options);
    await waitFor(() => on.host?.serving);
    return on;
  }

  /** Starts a host that is ordered to take everything. */
  begin(name: string, { limits = {}, from = "", skewMs = 0 }: StartOptions = {}): FleetHost {
    this.#incarnations++;
    const incarnation = `${name}-${this.#incarnations}`;
    const range = { i: 0, n: 1 };
    const order = Order.fromPartial({ range, moveId: `m${this.#incarnations}`, fromIncarnation: from });
    const { nowMs } = this.time.clock;
    const clock = { ...this.time.clock, nowMs: () => nowMs() + skewMs };
    const on = new FleetHost(this, order);
    const { journal, store, directory, memberships } = this;
    on.host = makeHost(
      {
        ...{ journal, store, directory, memberships, clock },
        bus: { publish: (items) => void on.items.push(...items), opened: () => {} },
        coordinator: { renew: (renewal) => on.renew(renewal), awaitOrders: () => new Promise(() => {}) },
        peers: { at: () => nobody },
        ownerMap: makeShardMap(),
        statistics: { cpuSeconds: () => 0, memoryBytes: () => 0 },
        timers: { ...this.time.timers, soon: (work) => queueMicrotask(work) },
        ids: makeIdGenerator({ workerId: 10 + this.#incarnations, nowMs: clock.nowMs }),
        reporter: { warn: () => {}, handoffEnded: () => {} },
      },
      {
        name,
        address: `unix:/tmp/${name}`,
        incarnation,
        version: "0",
        limits: { ...defaultLimits, gatherMs: 0, ...limits },
      },
    );
    return on;
  }
}

/** A host on memory, with what it published. */
export class FleetHost implements Disposable {
  host: Host | undefined;
  readonly items: BusItem[] = [];
  /** Whether the coordinator answers. */
  reachable = true;
  readonly #fleet: Fleet;
  readonly #order: Order;

  constructor(fleet: Fleet, order: Order) {
    this.#fleet = fleet;
    this.#order = order;
  }

  /** Durable events that were published, decoded. */
  events(): Event[] {
    return this.items.flatMap(({ of }) => (of?.$case === "event" ? [Event.decode(of.value)] : []));
  }

  async renew({ owned }: RenewHost): Promise<HostRenewed> {
    if (!this.reachable) throw new Error("the coordinator is away");
    const nowMs = BigInt(Math.floor(this.#fleet.time.clock.nowMs()));
    return { ttlMs: 5_000, nowMs, orders: owned.length > 0 ? [] : [this.#order] };
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
    const actor = profile && { profile, applicationId: 0n };
    const command: Command = { requestId: this.#fleet.requestId(), actor, reason: "", body, ...more };
    return unwrap(await this.ask({ $case: "command", value: command }), "command");
  }

  /** A read's JSON, or its grant. */
  async read(profile: Profile | undefined, body: NonNullable<Read["body"]>): Promise<unknown> {
    const actor = profile && { profile, applicationId: 0n };
    const { of } = unwrap(await this.ask({ $case: "read", value: { actor, body } }), "read");
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
