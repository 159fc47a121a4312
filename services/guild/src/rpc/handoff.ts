import type { HandoffReply, HandoffRequest } from "@guildhall/proto";
import { type ExchangeHandler, serveExchange } from "@guildhall/rpc";
import type { GuildContext } from "../context.ts";

// Few hosts hand over at a time, each one message after the other; the rest is asked by tools.
const inFlightLimit = 256;

/** Requests of hosts that hand shards over, and of tools. */
export function makeHandoff({ host, events }: GuildContext): ExchangeHandler<HandoffRequest, HandoffReply> {
  return serveExchange<HandoffRequest, HandoffReply>({
    limit: { inFlight: inFlightLimit },
    handle: (request) => host.handoff(request),
    onError: (error, { body }) => events.warn("a handoff request was refused", { kind: body?.$case, error }),
  });
}
