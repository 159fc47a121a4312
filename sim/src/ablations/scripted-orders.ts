import type { Order } from "@guildhall/proto";
import { OrderKind, type RenewHost } from "@guildhall/proto";
import type { Script } from "../actors/scripted-coordinator.ts";

/** Orders that a schedule gives in a coordinator's place. */
export interface ScriptedOrders {
  readonly script: Script;
  /** Has a host take everything, from whatever incarnation it says. */
  take(host: string, fromIncarnation: string): void;
  /** Has a host hand everything over; returns the move's id. */
  move(host: string, to: { readonly name: string; readonly address: string; readonly incarnation: string }): string;
  /** Whether a move has ended, as its giver says. */
  hasEnded(moveId: string): boolean;
}

const everything = { i: 0, n: 1 };

/** Makes them, without any. */
export function makeScriptedOrders(): ScriptedOrders {
  const given = new Map<string, Order[]>();
  const ended = new Set<string>();
  let numbered = 0;
  const give = (host: string, order: Omit<Order, "range" | "moveId">): string => {
    numbered++;
    const moveId = `script-${numbered}`;
    given.set(host, [...(given.get(host) ?? []), { ...order, range: everything, moveId }]);
    return moveId;
  };
  const orders = ({ host, owned, outcomes }: RenewHost): readonly Order[] => {
    for (const { moveId } of outcomes) ended.add(moveId);
    for (const { moveId } of owned) ended.add(moveId);
    const open = (given.get(host) ?? []).filter(({ moveId }) => !ended.has(moveId));
    given.set(host, open);
    return open;
  };
  return {
    script: { orders, ttlMs: 5_000, kept: { workers: new Map(), nowMs: 0, version: 0n } },
    take(host, fromIncarnation) {
      const kind = OrderKind.ORDER_KIND_TAKE;
      give(host, { kind, fromIncarnation, toHost: "", toAddress: "", toIncarnation: "" });
    },
    move: (host, { name, address, incarnation }) =>
      give(host, {
        ...{ kind: OrderKind.ORDER_KIND_MOVE, fromIncarnation: "" },
        ...{ toHost: name, toAddress: address, toIncarnation: incarnation },
      }),
    hasEnded: (moveId) => ended.has(moveId),
  };
}
