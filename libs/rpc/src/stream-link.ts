import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { type Backoff, makeBackoff } from "./backoff.ts";

/*
 * States of a link, which keeps one stream to a peer open for ever:
 *
 *   connecting ──server's headers──▶ connected ──stream ended──▶ waiting ──backoff──▶ connecting
 *        └──stream ended──▶ waiting                    close() from any state ──▶ closed
 *
 * Nothing is written before the server's headers, so what was not written certainly never reached anybody.
 */

/** What a link tells its owner. */
export interface LinkEvents<Out, In> {
  /** A fresh stream: write to it by `send`. */
  onConnect(): void;
  onMessage(message: In): void;
  /** After `send` gave false: there is room again. */
  onRoom(): void;
  /** The stream that was connected is gone; `status` says why. */
  onLost(status: StatusObject): void;
  /** Opens a stream; it waits for its server. */
  open(): ClientDuplexStream<Out, In>;
}

/** Where a link is in its states (above). */
export type LinkState = "connecting" | "connected" | "waiting" | "closed";

/** A stream that comes back. */
export interface StreamLink<Out> {
  readonly state: LinkState;
  /** Writes a message; false = wait for `onRoom` before the next. Only while connected. */
  send(message: Out): boolean;
  /** Ends the present stream's own side; its server answers what it has, then ends it. */
  finish(): void;
  /** Drops the stream and never opens another. */
  close(): void;
}

/** Makes a link and begins to connect. */
export function makeStreamLink<Out, In>(
  events: LinkEvents<Out, In>,
  backoff: Backoff = makeBackoff(Math.random),
): StreamLink<Out> {
  let state: LinkState = "waiting";
  let stream: ClientDuplexStream<Out, In> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = (): void => {
    state = "connecting";
    const opened = events.open();
    stream = opened;
    const isCurrent = () => stream === opened;
    opened.on("metadata", () => {
      if (!isCurrent() || state !== "connecting") return;
      state = "connected";
      backoff.reset();
      events.onConnect();
    });
    opened.on("data", (message: In) => {
      if (isCurrent()) events.onMessage(message);
    });
    opened.on("drain", () => {
      if (isCurrent() && state === "connected") events.onRoom();
    });
    // The status that follows tells the same.
    opened.on("error", () => {});
    opened.on("status", (status) => {
      // Messages read together with the status are handed out in this turn still.
      setImmediate(() => {
        if (isCurrent()) drop(status);
      });
    });
  };
  const drop = (status: StatusObject): void => {
    stream = undefined;
    const wasConnected = state === "connected";
    state = "waiting";
    timer = setTimeout(connect, backoff.nextMs());
    if (wasConnected) events.onLost(status);
  };

  connect();
  return {
    get state() {
      return state;
    },
    send: (message) => stream?.write(message) ?? false,
    finish: () => void stream?.end(),
    close() {
      state = "closed";
      clearTimeout(timer);
      stream?.cancel();
      stream = undefined;
    },
  };
}
