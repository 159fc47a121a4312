import {
  type AwaitOrders,
  type HandoffOutcome,
  type HostRenewed,
  Order,
  OrderKind,
  type OrdersReady,
  type RenewHost,
  type SlotRange,
} from "@guildhall/proto";
import type { Coordinator } from "../src/domain/ports.ts";

interface Standing {
  readonly number: bigint;
  readonly host: string;
  readonly order: Order;
}

/** Gives the orders that a test wants given, again and again until they are carried out. */
export class TestCoordinator {
  /** What hosts that renew are told of their lease. */
  ttlMs = 5_000;
  readonly outcomes: HandoffOutcome[] = [];
  readonly renewals = new Map<string, RenewHost>();
  #standing: Standing[] = [];
  #made = 0;
  readonly #waiting = new Set<() => void>();

  /** Orders something of a host; gives the move id. */
  order(host: string, range: SlotRange, order: Partial<Order>): string {
    this.#made++;
    const moveId = order.moveId ?? `move-${this.#made}`;
    const made = Order.fromPartial({ kind: OrderKind.ORDER_KIND_TAKE, ...order, range, moveId });
    this.#standing.push({ number: BigInt(this.#made), host, order: made });
    for (const wake of [...this.#waiting]) wake();
    return moveId;
  }

  /** Nothing stands any more. */
  withdraw(): void {
    this.#standing = [];
  }

  outcomeOf(moveId: string): HandoffOutcome | undefined {
    return this.outcomes.find((outcome) => outcome.moveId === moveId);
  }

  /** The port of one host; unreachable while `isReachable` says so. */
  portOf(isReachable: () => boolean, nowMs: () => number): Coordinator {
    return {
      renew: async (renewal) => {
        if (!isReachable()) throw new Error("the coordinator is away");
        return this.#renew(renewal, nowMs());
      },
      awaitOrders: async (ask) => {
        if (!isReachable()) throw new Error("the coordinator is away");
        return this.#await(ask);
      },
    };
  }

  #renew(renewal: RenewHost, nowMs: number): HostRenewed {
    const { host, shards, outcomes } = renewal;
    this.renewals.set(host, renewal);
    this.outcomes.push(...outcomes.filter(({ moveId }) => this.outcomeOf(moveId) === undefined));
    const isOver = ({ host: whose, order }: Standing): boolean =>
      whose === host &&
      (outcomes.some(({ moveId }) => moveId === order.moveId) ||
        shards.some(({ row }) => row?.moveId === order.moveId));
    this.#standing = this.#standing.filter((each) => !isOver(each));
    const orders = this.#standing.filter((each) => each.host === host).map(({ order }) => order);
    return { ttlMs: this.ttlMs, nowMs: BigInt(Math.floor(nowMs)), orders };
  }

  async #await({ host, seen }: AwaitOrders): Promise<OrdersReady> {
    for (;;) {
      const due = this.#standing.filter((each) => each.host === host && each.number > seen);
      if (due.length > 0) return { orders: due.map(({ order }) => order), seen: due.at(-1)?.number ?? seen };
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }
}
