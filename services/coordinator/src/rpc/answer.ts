import { GuildhallError } from "@guildhall/errors";
import type { CoordinatorReply, CoordinatorRequest } from "@guildhall/proto";
import type { Coordinator } from "../domain/ports.ts";
import {
  fromOrder,
  fromPlan,
  fromPlannedMove,
  toRange,
  toRenewal,
  toReshardVerb,
  toSpec,
  toWorkerAsk,
} from "./convert.ts";

type Body = NonNullable<CoordinatorRequest["body"]>;
type Reply = CoordinatorReply["body"];

/** Answers one request. Pure but for the coordinator; `backup` is answered where the files are. */
export async function answer(coordinator: Coordinator, body: Body): Promise<Reply> {
  switch (body.$case) {
    case "leaseWorkerId": {
      const { nowMs, ...lease } = await coordinator.leaseWorker(toWorkerAsk(body.value));
      return { $case: "leaseWorkerId", value: { ...lease, nowMs: BigInt(Math.floor(nowMs)) } };
    }
    case "renewHost": {
      const { ttlMs, nowMs, orders } = await coordinator.renewHost(toRenewal(body.value));
      return { $case: "renewHost", value: { ttlMs, nowMs: BigInt(Math.floor(nowMs)), orders: orders.map(fromOrder) } };
    }
    case "awaitOrders": {
      const { seen, waitMs, ...host } = body.value;
      const given = await coordinator.awaitOrders(host, Number(seen), waitMs);
      return { $case: "awaitOrders", value: { orders: given.orders.map(fromOrder), seen: BigInt(given.seen) } };
    }
    case "backup":
      throw new GuildhallError("INTERNAL", "a backup is made by the process");
    default:
      return answerOperator(coordinator, body);
  }
}

type OperatorBody = Exclude<Body, { $case: "leaseWorkerId" | "renewHost" | "awaitOrders" | "backup" }>;

async function answerOperator(coordinator: Coordinator, body: OperatorBody): Promise<Reply> {
  switch (body.$case) {
    case "applySpec": {
      const { removableHosts, reshard } = await coordinator.applySpec(toSpec(body.value.spec));
      return { $case: "applySpec", value: { removableHosts: [...removableHosts], reshard } };
    }
    case "describeFleet":
      return { $case: "describeFleet", value: coordinator.describe() };
    case "planReshard":
      return { $case: "planReshard", value: fromPlan(await coordinator.planReshard(body.value.to)) };
    case "driveReshard": {
      const status = await coordinator.driveReshard(toReshardVerb(body.value), body.value.dryRun);
      return { $case: "driveReshard", value: status };
    }
    case "moveShard": {
      const { range, toHost, dryRun } = body.value;
      return { $case: "moveShard", value: await coordinator.moveShard(toRange(range), toHost, dryRun) };
    }
    case "rebalance": {
      const { moves, reason } = await coordinator.rebalance(body.value.dryRun);
      return { $case: "rebalance", value: { moves: moves.map(fromPlannedMove), reason } };
    }
    case "drainHost": {
      const { host, dryRun, cancel } = body.value;
      const shardsLeft = await coordinator.drainHost(host, dryRun ? "none" : cancel ? "cancel" : "drain");
      return { $case: "drainHost", value: { shardsLeft } };
    }
  }
}
