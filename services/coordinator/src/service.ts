import { randomUUID } from "node:crypto";
import { type Running, systemClock, systemTimers } from "@guildhall/lifecycle";
import { CoordinatorServiceService } from "@guildhall/proto";
import { createDataClient, createRpcServer } from "@guildhall/rpc";
import { createTelemetry } from "@guildhall/telemetry";
import { makeEpochSource } from "./clients/epochs.ts";
import { makeTopicSource } from "./clients/topics.ts";
import type { CoordinatorConfig } from "./config.ts";
import type { CoordinatorContext } from "./context.ts";
import { createCoordinator } from "./domain/coordinator.ts";
import { makeCoordinatorEvents } from "./events.ts";
import { makeExchange } from "./rpc/exchange.ts";
import { makeWatchMap } from "./rpc/watch-map.ts";
import { backUp } from "./store/backup.ts";
import { openSqliteCoordinatorStore } from "./store/coordinator-store-sqlite.ts";

/** A coordinator that serves. */
export interface CoordinatorService extends Running {
  readonly address: string;
}

/**
 * Starts a coordinator. It leases worker ids at once; orders to hosts, and readiness, wait until the journal's EPOCHs have
 * been read from `data`. `onDeposed` hears when another coordinator has taken the state folder over: this one has stopped
 * deciding, and its process is to end.
 */
export async function createCoordinatorService(
  config: CoordinatorConfig,
  { onDeposed }: { readonly onDeposed: (error: Error) => void },
): Promise<CoordinatorService> {
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "coordinator", ...config }));
  const events = makeCoordinatorEvents(telemetry);
  const store = stack.use(await openSqliteCoordinatorStore(config.stateDir));
  const data = stack.use(createDataClient(config.data, { self: config.name, metrics: telemetry.metrics }));
  const coordinator = stack.use(
    await createCoordinator(config, {
      clock: systemClock,
      timers: systemTimers,
      newId: randomUUID,
      store,
      readEpochs: makeEpochSource(data),
      countTopics: makeTopicSource(data),
      onEpochFailure: events.epochsUnread,
      onFailure: events.failed,
      onOrderEnded: events.ended,
      onDeposed(error) {
        events.deposed(error);
        onDeposed(error);
      },
    }),
  );
  events.show(coordinator);
  const server = stack.use(
    await serve(config, { coordinator, telemetry, backup: (folder) => backUp(store.database, folder) }),
  );
  telemetry.setReady(() => (coordinator.status().epochsRead ? true : { epochs: "not read from data yet" }));
  telemetry.log.info({ address: server.address, shards: config.shards, hosts: config.hosts }, "serving");
  const owned = stack.move();
  return {
    address: server.address,
    metricsUrl: telemetry.metricsUrl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serve(config: CoordinatorConfig, context: CoordinatorContext) {
  const implementation = { exchange: makeExchange(context), watchMap: makeWatchMap(context) };
  return createRpcServer({ address: config.listen, services: [[CoordinatorServiceService, implementation]] });
}
