export {
  type CallOptions,
  type ExchangeClient,
  type ExchangeClientOptions,
  makeExchangeClient,
} from "./exchange-client.ts";
export type { CaseOf, ExchangeReply, ExchangeRequest, ReplyBatch, RequestBatch, ValueOf } from "./exchange-message.ts";
export { fromFailure, toFailure } from "./failure.ts";
export { makeGrpcClient, makeStreamMetadata, readStreamProcess } from "./grpc-client.ts";
export type { WorkerLease } from "./lease.ts";
export { type MapFollower, type MapNews, type MapSink, makeMapFollower, toMapDelta } from "./map-follower.ts";
export { makePublisher, type Publisher, type PublisherOptions } from "./publisher.ts";
export { createRpcServer, type RpcServer, type RpcServerOptions } from "./rpc-server.ts";
export { type ExchangeCall, type ExchangeHandler, type ServeExchangeOptions, serveExchange } from "./serve-exchange.ts";
export {
  type CoordinatorClient,
  createCoordinatorClient,
  createDataClient,
  createGatewayClient,
  createGuildClient,
  createHandoffClient,
  createRouterClient,
  createUserClient,
  type DataClient,
  type GatewayClient,
  type GuildClient,
  type HandoffClient,
  type RouterClient,
  type ServiceClientOptions,
  type UserClient,
} from "./service-clients.ts";
export type { LinkState } from "./stream-link.ts";
export { makeSubscriber, type Subscriber, type SubscriberOptions } from "./subscriber.ts";
export { type MapWatch, type MapWatchOptions, watchShardMap } from "./watch-shard-map.ts";
export { createWorkerLease, type WorkerLeaseOptions } from "./worker-lease.ts";
