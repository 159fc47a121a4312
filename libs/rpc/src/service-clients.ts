import type { Client, MethodDefinition } from "@grpc/grpc-js";
import {
  type CoordinatorReply,
  type CoordinatorRequest,
  CoordinatorServiceClient,
  CoordinatorServiceService,
  type DataReply,
  type DataRequest,
  DataServiceClient,
  DataServiceService,
  type GatewayReply,
  type GatewayRequest,
  GatewayServiceClient,
  GatewayServiceService,
  GuildServiceClient,
  GuildServiceService,
  type HandoffReply,
  type HandoffRequest,
  RouterServiceClient,
  RouterServiceService,
  type TopicReply,
  type TopicRequest,
  type UserReply,
  type UserRequest,
  UserServiceClient,
  UserServiceService,
} from "@guildhall/proto";
import type { Metrics } from "@guildhall/telemetry";
import { openChunked } from "./batch-codec.ts";
import { encodersOf } from "./batch-encoders.ts";
import { type ExchangeClient, makeExchangeClient } from "./exchange-client.ts";
import type { ExchangeReply, ExchangeRequest, ReplyBatch, RequestBatch } from "./exchange-message.ts";
import { makeGrpcClient, makeStreamMetadata } from "./grpc-client.ts";

/** What may be said of a client besides its address. */
export interface ServiceClientOptions {
  /** The peer in metrics and errors; default: the service, e.g. "data". */
  readonly name?: string;
  /** This process, as its peer shall know it: "guild-0". */
  readonly self?: string;
  /** Default 8,192. */
  readonly maxPending?: number;
  /** Default 10 s. */
  readonly timeoutMs?: number;
  readonly metrics?: Metrics | undefined;
}

/** Commands, reads, joins, heads and refills of topics. */
export type RouterClient = ExchangeClient<TopicRequest, TopicReply>;
/** The same, of one host. */
export type GuildClient = ExchangeClient<TopicRequest, TopicReply>;
/** Journal, store and directory. */
export type DataClient = ExchangeClient<DataRequest, DataReply>;
/** Accounts, tokens, memberships, user topics. */
export type UserClient = ExchangeClient<UserRequest, UserReply>;
/** Shards handed over from host to host, and what tools ask of a host. */
export type HandoffClient = ExchangeClient<HandoffRequest, HandoffReply>;
/** What gateways and tools ask of a gateway. */
export type GatewayClient = ExchangeClient<GatewayRequest, GatewayReply>;
/** Map, leases, orders, and the verbs of operators. */
export type CoordinatorClient = ExchangeClient<CoordinatorRequest, CoordinatorReply>;

/** A client of the router at `address`. */
export function createRouterClient(address: string, options: ServiceClientOptions = {}): RouterClient {
  return create(
    makeGrpcClient(RouterServiceClient, address),
    RouterServiceService.exchange,
    "router",
    { topic: 0n, timeoutMs: 0 },
    options,
  );
}

/** A client of the host at `address`. */
export function createGuildClient(address: string, options: ServiceClientOptions = {}): GuildClient {
  return create(
    makeGrpcClient(GuildServiceClient, address),
    GuildServiceService.exchange,
    "guild",
    { topic: 0n, timeoutMs: 0 },
    options,
  );
}

/** A client of the host at `address`, for handing shards over to it. */
export function createHandoffClient(address: string, options: ServiceClientOptions = {}): HandoffClient {
  return create(makeGrpcClient(GuildServiceClient, address), GuildServiceService.handoff, "handoff", {}, options);
}

/** A client of the gateway at `address`. */
export function createGatewayClient(address: string, options: ServiceClientOptions = {}): GatewayClient {
  return create(makeGrpcClient(GatewayServiceClient, address), GatewayServiceService.exchange, "gateway", {}, options);
}

/** A client of the data process at `address`. */
export function createDataClient(address: string, options: ServiceClientOptions = {}): DataClient {
  return create(makeGrpcClient(DataServiceClient, address), DataServiceService.exchange, "data", {}, options);
}

/** A client of the user process at `address`. */
export function createUserClient(address: string, options: ServiceClientOptions = {}): UserClient {
  return create(makeGrpcClient(UserServiceClient, address), UserServiceService.exchange, "user", {}, options);
}

/** A client of the coordinator at `address`. */
export function createCoordinatorClient(address: string, options: ServiceClientOptions = {}): CoordinatorClient {
  return create(
    makeGrpcClient(CoordinatorServiceClient, address),
    CoordinatorServiceService.exchange,
    "coordinator",
    {},
    options,
  );
}

function create<Req extends ExchangeRequest, Rep extends ExchangeReply>(
  client: Client,
  exchange: MethodDefinition<RequestBatch<Req>, ReplyBatch<Rep>>,
  service: string,
  blank: Omit<Req, "id" | "traceparent" | "body">,
  { name = service, self = "", maxPending = 8_192, timeoutMs = 10_000, metrics }: ServiceClientOptions,
): ExchangeClient<Req, Rep> {
  const { request: encode } = encodersOf(exchange);
  return makeExchangeClient<Req, Rep>({
    name,
    open: () => openChunked(client, exchange, makeStreamMetadata(self)),
    encode: (request) => encode({ requests: [request] }),
    maxPending,
    timeoutMs,
    blank,
    metrics,
    close: () => client.close(),
  });
}
