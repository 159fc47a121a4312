import type { CoordinatorClient } from "@guildhall/rpc";
import type { Coordinator } from "../domain/ports.ts";

// A renewal is worth nothing once the next one is due twice.
const renewTimeoutMs = 2_000;
// How much longer than asked for an answer may take.
const awaitGraceMs = 5_000;

/** The coordinator, as a host needs it. */
export function makeCoordinator(client: CoordinatorClient): Coordinator {
  return {
    renew: (renewal) => client.call("renewHost", renewal, { timeoutMs: renewTimeoutMs }),
    awaitOrders: (ask) => client.call("awaitOrders", ask, { timeoutMs: ask.waitMs + awaitGraceMs }),
  };
}
