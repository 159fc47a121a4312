import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { RouterServicePublishRequest, RouterServicePublishResponse } from "@guildhall/proto";
import type { RouterContext } from "../context.ts";
import { toMapEntry } from "./convert.ts";
import { makeOpenStreams } from "./open-streams.ts";

type Call = ServerDuplexStream<RouterServicePublishRequest, RouterServicePublishResponse>;

const tellMs = 250;

/** Publish: items of a host or of `user`, in order, and the slots it opened. */
export function makePublish({
  bus,
  router,
  events,
}: RouterContext): ((call: Call) => void) & { drain(): Promise<void> } {
  const streams = makeOpenStreams<Call>();

  const handler = (call: Call): void => {
    let taken = 0n;
    let told = 0n;
    let telling: NodeJS.Timeout | undefined;
    // Now and then one answer for all that came: it only says that the stream lives.
    const tell = (): void => {
      telling = undefined;
      if (call.cancelled || call.writableEnded || told === taken) return;
      told = taken;
      call.write({ accepted: taken });
    };
    const leave = (): void => {
      clearTimeout(telling);
      streams.delete(call);
    };
    call.on("data", ({ items, opened }: RouterServicePublishRequest) => {
      for (const entry of opened) router.learnOwner(toMapEntry(entry));
      for (const item of items) bus.publish(item);
      events.published(items.length);
      taken += 1n;
      telling ??= setTimeout(tell, tellMs);
    });
    call.on("end", () => {
      clearTimeout(telling);
      tell();
      call.end();
    });
    for (const event of ["error", "close", "cancelled"]) call.on(event, leave);
    streams.add(call);
  };
  return Object.assign(handler, { drain: streams.drain });
}
