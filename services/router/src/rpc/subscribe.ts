import { Metadata, type ServerDuplexStream } from "@grpc/grpc-js";
import { grpcStatus, toGuildhallError } from "@guildhall/errors";
import type { RouterServiceSubscribeRequest, RouterServiceSubscribeResponse } from "@guildhall/proto";
import { readStreamProcess } from "@guildhall/rpc";
import type { RouterContext } from "../context.ts";
import type { Subscriber } from "../domain/bus.ts";

type Call = ServerDuplexStream<RouterServiceSubscribeRequest, RouterServiceSubscribeResponse>;

/** Subscribe: which topics a gateway follows; back come their items. */
export function makeSubscribe({ bus, telemetry }: RouterContext): (call: Call) => void {
  return (call) => {
    const peer = readStreamProcess(call.metadata) || call.getPeer();
    const fail = (error: unknown): void => {
      const { code, message } = toGuildhallError(error);
      telemetry.log.warn({ peer, code }, message);
      call.emit("error", { code: grpcStatus.RESOURCE_EXHAUSTED, details: message });
    };
    let subscriber: Subscriber;
    try {
      subscriber = bus.open({ write: ({ items, dropped }) => call.write({ items, dropped: BigInt(dropped) }) });
    } catch (error) {
      fail(error);
      return;
    }
    const leave = (): void => subscriber[Symbol.dispose]();
    call.on("data", ({ subscribe, unsubscribe }: RouterServiceSubscribeRequest) => {
      try {
        for (const topic of unsubscribe) subscriber.unsubscribe(topic);
        for (const asked of subscribe) subscriber.subscribe(asked);
      } catch (error) {
        leave();
        fail(error);
      }
    });
    call.on("drain", () => subscriber.drained());
    call.on("end", () => {
      leave();
      call.end();
    });
    for (const event of ["error", "close", "cancelled"]) call.on(event, leave);
    // The headers tell the gateway that somebody is here: only then does it write.
    call.sendMetadata(new Metadata());
  };
}
