import { errorTable, isErrorCode, isGuildhallError } from "@guildhall/errors";
import type { Command, CommandResult, Profile, Read } from "@guildhall/proto";
import type { ApiReply, ApiRequest } from "../actors/api.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimClient, type SimClient } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

/** What somebody who asked `api` knows afterwards. */
export type Outcome<T> =
  | { readonly is: "done"; readonly value: T }
  /** Certainly not done, for a reason of its own (4xx). */
  | { readonly is: "rejected"; readonly code: string }
  /** Certainly not done; may be tried again (503). */
  | { readonly is: "refused"; readonly code: string }
  | { readonly is: "unknown"; readonly code: string };

/** A person's or bot's way to `api`. */
export interface ApiClient {
  readonly process: SimProcess;
  command(
    profile: Profile | undefined,
    topic: bigint,
    body: NonNullable<Command["body"]>,
  ): Promise<Outcome<CommandResult>>;
  /** The JSON. */
  read(profile: Profile, topic: bigint, body: NonNullable<Read["body"]>): Promise<Outcome<unknown>>;
  sleep(ms: number): Promise<void>;
}

const timeoutMs = 15_000;

/** Makes a client that takes the `api`s in turn. */
export function makeApiClient(network: Network, process: SimProcess, apis: readonly string[]): ApiClient {
  const clients = apis.map(
    (address): SimClient<ApiRequest, ApiReply> =>
      makeSimClient<ApiRequest, ApiReply>(network, { process, address, service: "exchange" }),
  );
  let turn = 0;
  const next = (): SimClient<ApiRequest, ApiReply> => {
    for (let tried = 0; tried < clients.length; tried++) {
      turn = (turn + 1) % clients.length;
      const client = clients[turn] as SimClient<ApiRequest, ApiReply>;
      if (client.connected) return client;
    }
    return clients[turn] as SimClient<ApiRequest, ApiReply>;
  };
  const ask = async (body: ApiRequest["body"]): Promise<Outcome<ApiReply["body"]>> => {
    try {
      const reply = await next().callRaw({ body }, { timeoutMs });
      if (reply.body?.$case !== "failure") return { is: "done", value: reply.body };
      return outcomeOfCode(reply.body.value.code);
    } catch (error) {
      const code = isGuildhallError(error) ? error.code : "INTERNAL";
      // Of the client's own transport: what was never written was never done.
      return { is: code === "UNAVAILABLE" || code === "QUEUE_FULL" ? "refused" : "unknown", code };
    }
  };
  const actorOf = (profile: Profile | undefined) => profile && { profile, applicationId: 0n };
  return {
    process,
    async command(profile, topic, body) {
      const command = { actor: actorOf(profile), reason: "", body };
      const outcome = await ask({ $case: "command", value: { topic, command } });
      if (outcome.is !== "done") return outcome;
      return { is: "done", value: outcome.value?.value as CommandResult };
    },
    async read(profile, topic, body) {
      const outcome = await ask({ $case: "read", value: { topic, read: { actor: actorOf(profile), body } } });
      if (outcome.is !== "done") return outcome;
      const bytes = outcome.value?.value as Uint8Array;
      return { is: "done", value: JSON.parse(Buffer.from(bytes).toString()) };
    },
    sleep: (ms) => new Promise((resolve) => void process.timers.after(ms, resolve)),
  };
}

function outcomeOfCode(code: string): Outcome<never> {
  const status = isErrorCode(code) ? errorTable[code].httpStatus : 500;
  if (status === 503 || status === 429) return { is: "refused", code };
  return { is: status < 500 ? "rejected" : "unknown", code };
}
