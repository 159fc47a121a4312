import type { ServerDuplexStream } from "@grpc/grpc-js";
import { grpcStatus, toGuildhallError } from "@guildhall/errors";
import type { RouterServiceSubscribeRequest, RouterServiceSubscribeResponse } from "@guildhall/proto";
import { readStreamProcess } from "@guildhall/rpc";
import type { RouterContext } from "../context.ts";
import type { Subscriber } from "../domain/bus.ts";
import { makeOpenStreams } from "./open-streams.ts";

type Call = ServerDuplexStream<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>;

/** Subscribe: which topics a gateway follows; back come their items. */
export function makeSubscribe({ bus, telemetry }: RouterContext): ((call: Call) => void) & { drain(): Promise<void> } {
  const streams = makeOpenStreams<Call>();
  const fail = (call: Call, error: unknown): void => {
    const { code, message } = toGuildhallError(error);
    telemetry.log.warn({ peer: readStreamProcess(call.metadata) || call.getPeer(), code }, message);
    call.emit("error", { code: grpcStatus.RESOURCE_EXHAUSTED, details: message });
  };

  function serve(call: Call, subscriber: Subscriber): void {
    const leave = (): void => {
      subscriber[Symbol.dispose]();
      streams.delete(call);
    };
    call.on("data", ({ subscribe, unsubscribe }: RouterServiceSubscribeRequest) => {
      try {
        for (const topic of unsubscribe) subscriber.unsubscribe(topic);
        for (const asked of subscribe) subscriber.subscribe(asked);
      } catch (error) {
        leave();
        fail(call, error);
      }
    });
    call.on("drain", () => subscriber.drained());
    call.on("end", () => {
      leave();
      call.end();
    });
    for (const event of ["error", "close", "cancelled"]) call.on(event, leave);
    streams.add(call);
  }

  const handler = (call: Call): void => {
    const write = (items: RouterServiceSubscribeResponse["items"], dropped: number): boolean =>
      call.writableEnded || call.write({ items, dropped: BigInt(dropped) });
    try {
      serve(call, bus.open({ write: (batch) => write(batch.items, batch.dropped) }));
    } catch (error) {
      fail(call, error);
    }
  };
  return Object.assign(handler, { drain: streams.drain });
}
