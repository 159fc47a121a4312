import { GuildhallError } from "@guildhall/errors";
import {
  type CoordinatorServiceWatchMapResponse,
  type EpochRecord,
  type HostRenewed,
  type LeaseWorkerId,
  OrderKind,
  type RenewHost,
  type Order as WireOrder,
} from "@guildhall/proto";
import { type EpochRow, isRange, type MapUpdate } from "@guildhall/slots";
import type { Order, Renewal } from "../domain/fleet.ts";
import type { WorkerAsk } from "../domain/worker-leases.ts";

/** A request for worker bits. Throws INVALID_FORM when nobody is named. */
export function toWorkerAsk({ process, incarnation, workerId, highestTimeMs }: LeaseWorkerId): WorkerAsk {
  requireNames({ process, incarnation });
  const ask = { process, incarnation, highestTimeMs: Number(highestTimeMs) };
  return workerId === undefined ? ask : { ...ask, workerId };
}

/** A host's renewal. Throws INVALID_FORM when it names nobody, no address, or a range that is none. */
export function toRenewal({ host, address, incarnation, owned }: RenewHost): Renewal {
  requireNames({ host, address, incarnation });
  return { host, address, incarnation, owned: owned.map(toEpochRow) };
}

/** An EPOCH as the journal and the hosts tell it. Throws INVALID_FORM when its range is none. */
export function toEpochRow({ range, ...row }: EpochRecord): EpochRow {
  if (range === undefined || !isRange(range)) throw new GuildhallError("INVALID_FORM", "an EPOCH without a range");
  return { range, ...row };
}

/** The answer to a renewal. */
export function fromRenewed({
  ttlMs,
  nowMs,
  orders,
}: {
  ttlMs: number;
  nowMs: number;
  orders: readonly Order[];
}): HostRenewed {
  return { ttlMs, nowMs: BigInt(Math.floor(nowMs)), orders: orders.map(fromOrder) };
}

/** The published map, whole. */
export function fromMapUpdate({ version, entries }: MapUpdate): CoordinatorServiceWatchMapResponse {
  const wireEntries = entries.map((entry) => ({ ...entry, moving: undefined }));
  return { version: BigInt(version), entries: wireEntries, fromVersion: 0n, removed: [] };
}

function fromOrder(order: Order): WireOrder {
  return { ...order, kind: OrderKind.ORDER_KIND_TAKE, toHost: "", toAddress: "", toIncarnation: "" };
}

function requireNames(names: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(names)) {
    if (value === "") throw new GuildhallError("INVALID_FORM", `${name} is empty`);
  }
}
