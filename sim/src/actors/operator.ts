import { isGuildhallError } from "@guildhall/errors";
import type { CoordinatorReply, CoordinatorRequest, FleetDescription, FleetSpec } from "@guildhall/proto";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimClient } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

/** Somebody who drives the fleet by the coordinator's verbs, and applies a spec again and again. */
export interface FleetOperator {
  /** What is to be; applied each second until it changes. */
  spec: FleetSpec;
  /** The last description that was got. */
  readonly description: FleetDescription | undefined;
  /** Sends a verb once; gives the code of what refused it, or undefined. */
  drive(body: OperatorBody): Promise<string | undefined>;
}

type Body = NonNullable<CoordinatorRequest["body"]>;

/** A verb. */
export type OperatorBody = Extract<
  Body,
  { $case: "moveShard" | "rebalance" | "drainHost" | "driveReshard" | "planReshard" }
>;

const applyMs = 1_000;
const timeoutMs = 5_000;

/** A spec without restraints, as the applier makes it. */
export function plainSpec(shards: number, hosts: readonly string[]): FleetSpec {
  return {
    shards,
    hosts: [...hosts],
    paused: false,
    approvalRequired: false,
    movesPerHost: 2,
    reshardingWindows: [],
    rebalancingMode: "Off",
    trigger: 1.1,
    target: 1.03,
    cooldownMs: 10_000,
    rebalancingWindows: [],
  };
}

/** Starts an operator. */
export function startOperator(
  network: Network,
  process: SimProcess,
  { coordinator, spec }: { readonly coordinator: string; readonly spec: FleetSpec },
): FleetOperator {
  const client = makeSimClient<CoordinatorRequest, CoordinatorReply>(network, {
    process,
    address: coordinator,
    service: "exchange",
    timeoutMs,
  });
  let description: FleetDescription | undefined;
  const operator = {
    spec,
    get description() {
      return description;
    },
    async drive(body: OperatorBody): Promise<string | undefined> {
      try {
        const reply = await client.callRaw({ traceparent: "", body }, { timeoutMs });
        return reply.body?.$case === "failure" ? reply.body.value.code : undefined;
      } catch (error) {
        return isGuildhallError(error) ? error.code : "INTERNAL";
      }
    },
  };
  const apply = async (): Promise<void> => {
    await client.callRaw({ traceparent: "", body: { $case: "applySpec", value: { spec: operator.spec } } });
    const { body } = await client.callRaw({ traceparent: "", body: { $case: "describeFleet", value: {} } });
    if (body?.$case === "describeFleet") description = body.value;
  };
  process.timers.every(applyMs, () => {
    // What is not applied now is applied the next time.
    apply().catch(() => {});
  });
  return operator;
}
