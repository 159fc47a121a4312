import {
  CoordinatorReply,
  CoordinatorRequest,
  DataReply,
  DataRequest,
  GatewayReply,
  GatewayRequest,
  HandoffReply,
  HandoffRequest,
  TopicReply,
  TopicRequest,
  UserReply,
  UserRequest,
} from "@guildhall/proto";
import type { Codec } from "./exchange.ts";

/** How each service's messages are written. */
export const topicCodec: Codec<TopicRequest, TopicReply> = { request: TopicRequest, reply: TopicReply };
/** Of hosts among one another. */
export const handoffCodec: Codec<HandoffRequest, HandoffReply> = { request: HandoffRequest, reply: HandoffReply };
/** Of `data`. */
export const dataCodec: Codec<DataRequest, DataReply> = { request: DataRequest, reply: DataReply };
/** Of the coordinator. */
export const coordinatorCodec: Codec<CoordinatorRequest, CoordinatorReply> = {
  request: CoordinatorRequest,
  reply: CoordinatorReply,
};
/** Of the accounts. */
export const userCodec: Codec<UserRequest, UserReply> = { request: UserRequest, reply: UserReply };
/** Of gateways among one another. */
export const gatewayCodec: Codec<GatewayRequest, GatewayReply> = { request: GatewayRequest, reply: GatewayReply };
