import { type Running, systemClock, systemTimers } from "@guildhall/lifecycle";
import { RouterServiceService, TopicRequest } from "@guildhall/proto";
import { createDataClient, createRpcServer, watchShardMap } from "@guildhall/rpc";
import { createTelemetry } from "@guildhall/telemetry";
import { makeDataPort } from "./clients/data.ts";
import { makeConnectHost } from "./clients/hosts.ts";
import type { RouterConfig } from "./config.ts";
import type { RouterContext } from "./context.ts";
import { makeBus } from "./domain/bus.ts";
import { makeRouter, type RouterLimits } from "./domain/router.ts";
import { makeRouterEvents } from "./events.ts";
import { makeExchange } from "./rpc/exchange.ts";
import { makePublish } from "./rpc/publish.ts";
import { makeSubscribe } from "./rpc/subscribe.ts";

/** A router that serves. */
export interface RouterService extends Running {
  readonly address: string;
  drain(): Promise<void>;
}

/** Starts a router; disposal answers what hosts still answer, and ends the streams. */
export async function createRouterService(
  config: RouterConfig,
  { limits }: { readonly limits?: RouterLimits } = {},
): Promise<RouterService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "router", ...config }));
  const { metrics } = telemetry;
  const events = makeRouterEvents(metrics);
  const data = stack.use(createDataClient(config.data, { self: config.name, metrics }));
  const router = stack.use(
    makeRouter(
      {
        clock: systemClock,
        timers: systemTimers,
        random: Math.random,
        data: makeDataPort(data),
        connect: makeConnectHost({ self: config.name, metrics }),
        sizeOf: (request) => TopicRequest.encode(request).finish().length,
        onRetry: events.retried,
      },
      limits,
    ),
  );
  const bus = makeBus({ schedule: (run) => void setImmediate(run), onDropped: events.dropped });
  events.show(router, bus);
  const context: RouterContext = { router, bus, telemetry, events };
  stack.use(watchShardMap({ address: config.coordinator, watcher: config.name, map: router.map }));
  const server = stack.use(await serve(config, context));
  telemetry.setReady();
  telemetry.log.info({ address: server.address }, "serving");
  const owned = stack.move();
  return {
    address: server.address,
    metricsUrl: telemetry.metricsUrl,
    drain: async () => {
      telemetry.setReady(() => ({ service: "draining" }));
      router.drain();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serve(config: RouterConfig, context: RouterContext) {
  const implementation = {
    exchange: makeExchange(context),
    subscribe: makeSubscribe(context),
    publish: makePublish(context),
  };
  return createRpcServer({ address: config.listen, services: [[RouterServiceService, implementation]] });
}
