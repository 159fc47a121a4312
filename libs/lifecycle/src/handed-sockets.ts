import type { Socket } from "node:net";

/*
 * The parent holds a public port and hands its connections to this process:
 *
 *   parent ── {front: "socket", n} + handle, or {front: "ping", n} ──▶ child ── {front: "here", n} ──▶ parent
 *   child ── {front: "draining"} ──▶ parent: no more of them
 *   parent ── {front: "closed"} ──▶ child: nobody is accepted there any more
 */

/** What the holder of the port sends. `n` counts up, over both kinds that are answered. */
export type FrontMessage =
  | { readonly front: "socket" | "ping"; readonly n: number }
  | { readonly front: "closed"; readonly n?: undefined };

/** What comes back: everything up to `n` has been taken, or nothing more is wanted. */
export type FrontAnswer =
  | { readonly front: "here"; readonly n: number }
  | { readonly front: "draining"; readonly n?: undefined };

/** Connections that the parent process accepts for this one. */
export interface HandedSockets {
  /** Whether the parent has closed the port, or is gone: whoever is sent away now finds nobody there. */
  readonly isPortClosed: boolean;
  /** From now on connections are taken, not read from yet. Those that have ended on the way do not come. */
  take(onSocket: (socket: Socket) => void): void;
  /** Asks for no more. Some may still be on their way. */
  refuse(): void;
}

/** The end of an IPC channel in the child, as `process` is one. */
export interface ParentChannel {
  on(event: "message", listener: (message: unknown, handle?: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  send?(
    message: FrontAnswer,
    handle?: undefined,
    options?: undefined,
    callback?: (error: Error | null) => void,
  ): boolean;
}

/** The connections that come over an IPC channel. */
export function makeHandedSockets(channel: ParentChannel): HandedSockets {
  let isPortClosed = false;
  // A parent that is gone is noticed elsewhere.
  const answer = (message: FrontAnswer): void => void channel.send?.(message, undefined, undefined, () => {});
  return {
    get isPortClosed() {
      return isPortClosed;
    },
    take(onSocket) {
      channel.on("disconnect", () => {
        isPortClosed = true;
      });
      channel.on("message", (message, handle) => {
        if (!isFrontMessage(message)) return;
        if (message.front === "closed") {
          isPortClosed = true;
          return;
        }
        // Answered first: what the socket does here is nothing to the parent.
        answer({ front: "here", n: message.n });
        if (message.front === "socket" && handle !== undefined) onSocket(handle as Socket);
      });
    },
    refuse: () => answer({ front: "draining" }),
  };
}

function isFrontMessage(message: unknown): message is FrontMessage {
  return typeof message === "object" && message !== null && "front" in message;
}
