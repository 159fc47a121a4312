import { GuildhallError } from "@guildhall/errors";
import type {
  DataReply,
  DataRequest,
  Opened,
  RouterServicePublishRequest,
  RouterServiceSubscribeRequest,
  TopicReply,
  TopicRequest,
} from "@guildhall/proto";
import { makeDataPort } from "@guildhall/router/clients/data";
import { type Bus, makeBus, makeRouter, type Router, type RouterPorts } from "@guildhall/router/domain";
import type { DataClient } from "@guildhall/rpc";
import type { MapGuards } from "@guildhall/slots";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { topicCodec } from "../network/codecs.ts";
import { makeSimClient, serveSimExchange } from "../network/exchange.ts";
import { watchMap } from "../network/map-stream.ts";
import type { Network } from "../network/network.ts";
import type { ServerEnd } from "../network/stream.ts";
import type { Weather } from "../world/weather.ts";

/** Where a router finds the others. */
export interface RouterOptions {
  readonly address: string;
  readonly data: string;
  readonly coordinator: string;
  readonly random: Random;
  readonly guards?: MapGuards;
  readonly weather: Pick<Weather, "losesItem" | "subscribeMs">;
  readonly onRouter: (router: Router) => void;
}

const maxPending = 20_000;

/** Starts a router: the real one, on simulated ports. */
export function startRouter(network: Network, process: SimProcess, options: RouterOptions): void {
  const { clock, timers } = process;
  const data = makeSimClient<DataRequest, DataReply>(network, {
    process,
    address: options.data,
    service: "exchange",
  });
  const ports: RouterPorts = {
    clock,
    timers,
    random: options.random.next,
    data: makeDataPort(data as unknown as DataClient),
    connect: (address, onUp) => {
      const host = makeSimClient<TopicRequest, TopicReply>(network, {
        process,
        address,
        service: "exchange",
        maxPending,
      });
      host.onConnect(onUp);
      return {
        get connected() {
          return host.connected;
        },
        async send(request, timeoutMs) {
          const { body } = await host.callRaw(request, { timeoutMs });
          if (body !== undefined) return body;
          throw new GuildhallError("INTERNAL", `the host at ${address} answered nothing`);
        },
        [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
      };
    },
    sizeOf: () => 500,
    onRetry() {},
  };
  const router = makeRouter(ports, undefined, options.guards);
  const bus = makeBus({ schedule: (run) => timers.soon(run), onDropped() {} });
  options.onRouter(router);
  watchMap(network, process, { coordinator: options.coordinator, map: router.map });
  network.listen(options.address, process, {
    exchange: serveSimExchange((request) => router.route(request), topicCodec),
    publish: (end) => acceptPublisher(end, router, bus, options.weather),
    subscribe: (end) => acceptSubscriber(end, bus, process, options.weather),
  });
}

function acceptPublisher(
  end: ServerEnd<unknown, unknown>,
  router: Router,
  bus: Bus,
  weather: RouterOptions["weather"],
): void {
  end.start({
    onMessage(message) {
      const { items, opened } = message as RouterServicePublishRequest;
      for (const entry of opened) router.learnOwner(toMapEntry(entry));
      for (const item of items) if (!weather.losesItem(item)) bus.publish(item);
    },
    onClosed() {},
  });
}

function acceptSubscriber(
  end: ServerEnd<unknown, unknown>,
  bus: Bus,
  { timers }: SimProcess,
  weather: RouterOptions["weather"],
): void {
  const subscriber = bus.open({
    write({ items, dropped }) {
      end.send({ items, dropped: BigInt(dropped) });
      return true;
    },
  });
  end.start({
    onMessage(message) {
      const { subscribe, unsubscribe } = message as RouterServiceSubscribeRequest;
      const take = (): void => {
        for (const topic of unsubscribe) subscriber.unsubscribe(topic);
        for (const asked of subscribe) subscriber.subscribe(asked);
      };
      if (weather.subscribeMs === 0) take();
      else timers.after(weather.subscribeMs, take);
    },
    onClosed: () => subscriber[Symbol.dispose](),
  });
}

function toMapEntry({ i, n, ...owner }: Opened) {
  return { range: { i, n }, ...owner };
}
