import { makeTopics } from "@guildhall/api/clients/topics";
import { GuildhallError } from "@guildhall/errors";
import type {
  Command,
  CommandResult,
  CoordinatorReply,
  CoordinatorRequest,
  Failure,
  Read,
  TopicReply,
  TopicRequest,
} from "@guildhall/proto";
import type { RouterClient } from "@guildhall/rpc";
import { makeBackoff, makeWorkerLease, type WorkerLease } from "@guildhall/rpc/lease";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimClient, serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

/** What a client sends to `api`. */
export interface ApiRequest {
  id: bigint;
  body:
    | { $case: "command"; value: { readonly topic: bigint; readonly command: Omit<Command, "requestId"> } }
    | { $case: "read"; value: { readonly topic: bigint; readonly read: Read } }
    | undefined;
}

/** What it gets. */
export interface ApiReply {
  id: bigint;
  body:
    | { $case: "command"; value: CommandResult }
    | { $case: "read"; value: Uint8Array }
    | { $case: "failure"; value: Failure }
    | undefined;
}

/** Who hears of the request ids that were made. */
export interface ApiWitness {
  /** A command got its request id. */
  began(requestId: bigint, command: Command): void;
  /** What its client is being told, whether or not that arrives. */
  ended(requestId: bigint, outcome: { readonly result: CommandResult } | { readonly code: string }): void;
}

/** Where `api` finds the others. */
export interface ApiOptions {
  readonly address: string;
  readonly coordinator: string;
  readonly routers: readonly string[];
  readonly random: Random;
  readonly witness: ApiWitness;
}

/** Starts an `api`: its real way to the topics, behind a plain door. */
export async function startApi(network: Network, process: SimProcess, options: ApiOptions): Promise<void> {
  const { name, incarnation, clock, timers } = process;
  const coordinator = makeSimClient<CoordinatorRequest, CoordinatorReply>(network, {
    process,
    address: options.coordinator,
    service: "exchange",
  });
  const routers = options.routers.map((address) =>
    makeSimClient<TopicRequest, TopicReply>(network, {
      process,
      address,
      service: "exchange",
      blank: { topic: 0n, timeoutMs: 0 },
    }),
  );
  const topics = makeTopics({
    routers: routers as unknown as RouterClient[],
    monotonicMs: () => clock.monotonicMs(),
    onRetry() {},
  });
  let lease: WorkerLease | undefined;
  const nextId = (): bigint => {
    if (lease === undefined) throw new GuildhallError("UNAVAILABLE", "no worker id yet");
    return lease.generator.next();
  };
  const command = async (topic: bigint, asked: Omit<Command, "requestId">): Promise<CommandResult> => {
    const { witness } = options;
    const requestId = nextId();
    const whole: Command = { ...asked, requestId };
    if (process.isAlive) witness.began(requestId, whole);
    try {
      const result = await topics.command(topic, whole, "");
      if (process.isAlive) witness.ended(requestId, { result });
      return result;
    } catch (error) {
      if (process.isAlive) witness.ended(requestId, { code: (error as { code?: string }).code ?? "INTERNAL" });
      throw error;
    }
  };
  network.listen(options.address, process, {
    exchange: serveSimExchange<ApiRequest, ApiReply>(async ({ body }): Promise<ApiReply["body"]> => {
      switch (body?.$case) {
        case "command":
          return { $case: "command", value: await command(body.value.topic, body.value.command) };
        case "read":
          return { $case: "read", value: await topics.read(body.value.topic, body.value.read, "") };
        default:
          throw new GuildhallError("INVALID_FORM", "nothing is asked");
      }
    }),
  });
  lease = await makeWorkerLease({
    ...{ process: name, incarnation, clock, timers },
    backoff: makeBackoff(options.random.next),
    ask: (ask, { timeoutMs }) => coordinator.call("leaseWorkerId", ask, { timeoutMs }),
  });
}
