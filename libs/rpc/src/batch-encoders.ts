import {
  CoordinatorServiceExchangeRequest,
  CoordinatorServiceExchangeResponse,
  CoordinatorServiceService,
  DataServiceExchangeRequest,
  DataServiceExchangeResponse,
  DataServiceService,
  type Encodable,
  encodeMessage,
  GuildServiceExchangeRequest,
  GuildServiceExchangeResponse,
  GuildServiceService,
  RouterServiceExchangeRequest,
  RouterServiceExchangeResponse,
  RouterServicePublishRequest,
  RouterServicePublishResponse,
  RouterServiceService,
  RouterServiceSubscribeRequest,
  RouterServiceSubscribeResponse,
  UserServiceExchangeRequest,
  UserServiceExchangeResponse,
  UserServiceService,
} from "@guildhall/proto";
import type { Encode } from "./batch-codec.ts";

/** How a method's messages are encoded. */
export interface MethodEncoders<Req, Rep> {
  readonly request: Encode<Req>;
  readonly reply: Encode<Rep>;
}

interface Method<Req, Rep> {
  readonly path: string;
  readonly requestSerialize: Encode<Req>;
  readonly responseSerialize: Encode<Rep>;
}

const known = new Map<string, unknown>();

function add<Req, Rep>({ path }: Method<Req, Rep>, request: Encodable<Req>, reply: Encodable<Rep>): void {
  known.set(path, {
    request: (message: Req) => encodeMessage(request, message),
    reply: (message: Rep) => encodeMessage(reply, message),
  });
}

add(CoordinatorServiceService.exchange, CoordinatorServiceExchangeRequest, CoordinatorServiceExchangeResponse);
add(DataServiceService.exchange, DataServiceExchangeRequest, DataServiceExchangeResponse);
add(GuildServiceService.exchange, GuildServiceExchangeRequest, GuildServiceExchangeResponse);
add(RouterServiceService.exchange, RouterServiceExchangeRequest, RouterServiceExchangeResponse);
add(RouterServiceService.publish, RouterServicePublishRequest, RouterServicePublishResponse);
add(RouterServiceService.subscribe, RouterServiceSubscribeRequest, RouterServiceSubscribeResponse);
add(UserServiceService.exchange, UserServiceExchangeRequest, UserServiceExchangeResponse);

/** The encoders of a method: of the streams that carry most, cheaper ones than the generated. */
export function encodersOf<Req, Rep>({
  path,
  requestSerialize: request,
  responseSerialize: reply,
}: Method<Req, Rep>): MethodEncoders<Req, Rep> {
  return (known.get(path) as MethodEncoders<Req, Rep> | undefined) ?? { request, reply };
}
