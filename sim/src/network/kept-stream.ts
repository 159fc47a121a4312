import type { SimProcess } from "../engine/sim-process.ts";
import type { Network } from "./network.ts";
import type { ClientEnd } from "./stream.ts";

/** A stream that comes back. */
export interface KeptStream<Out> {
  readonly connected: boolean;
  send(message: Out): void;
  /** Ends the present stream and opens another after a pause. */
  reopen(): void;
  close(): void;
}

/** What its owner is told. */
export interface KeptStreamEvents<In> {
  onConnect(): void;
  onMessage(message: In): void;
  onLost(): void;
}

const firstPauseMs = 50;
const mostPauseMs = 2_000;

/** Keeps one stream to a service open for ever; with several addresses the next one is tried after a loss. */
export function keepStream<Out, In>(
  network: Network,
  process: SimProcess,
  { addresses, service }: { readonly addresses: readonly string[]; readonly service: string },
  events: KeptStreamEvents<In>,
): KeptStream<Out> {
  let end: ClientEnd<Out, In> | undefined;
  let connected = false;
  let isClosed = false;
  let pauseMs = firstPauseMs;
  let at = 0;

  const connect = (): void => {
    if (isClosed) return;
    const opened = network.connect<Out, In>(process, addresses[at % addresses.length] as string, service);
    at++;
    end = opened;
    opened.start({
      onOpen() {
        if (end !== opened) return;
        connected = true;
        events.onConnect();
      },
      onMessage(message) {
        if (end !== opened) return;
        pauseMs = firstPauseMs;
        events.onMessage(message);
      },
      onLost() {
        if (end === opened) leave();
      },
    });
  };

  const leave = (): void => {
    const wasConnected = connected;
    connected = false;
    end = undefined;
    if (isClosed) return;
    process.timers.after(pauseMs * (1 - network.random.next() / 2), connect);
    pauseMs = Math.min(mostPauseMs, pauseMs * 2);
    if (wasConnected) events.onLost();
  };

  connect();
  return {
    get connected() {
      return connected;
    },
    send(message) {
      if (connected) end?.send(message);
    },
    reopen() {
      end?.close();
      leave();
    },
    close() {
      isClosed = true;
      connected = false;
      end?.close();
    },
  };
}
