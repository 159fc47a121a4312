import type { MessageTrace, TraceMessage } from "@guildhall/proto";
import type { RpcContext } from "./exchange.ts";

/** When an event came here, and to how many sessions it was sent. Nothing when it is not known here, or no longer. */
export function traceMessage({ gateway, traces }: RpcContext, { topic, seq }: TraceMessage): MessageTrace {
  const found = traces.find(topic, Number(seq), Number(gateway.clock.nowUs()));
  if (found === undefined) return { topic, seq, steps: [] };
  const process = gateway.holder.name;
  return {
    topic,
    seq,
    steps: [
      { atUs: BigInt(Math.floor(found.receivedUs)), process, what: "received", detail: "" },
      {
        atUs: BigInt(Math.floor(found.dispatchedUs)),
        process,
        what: "dispatched",
        detail: `to ${found.dispatches} ${found.dispatches === 1 ? "session" : "sessions"}`,
      },
    ],
  };
}
