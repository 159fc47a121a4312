import { GuildhallError } from "@guildhall/errors";
import type { ExchangeReply } from "./exchange-message.ts";

/** A call under way. */
export interface WaitingCall<Rep extends ExchangeReply> {
  readonly number: number;
  /** The encoding of a batch of this request alone. */
  readonly bytes: Uint8Array;
  readonly deadlineMs: number;
  readonly resolve: (reply: Rep) => void;
  readonly reject: (error: GuildhallError) => void;
  /** Handed to the stream: from then on the outcome is unknown until a reply comes. */
  written: boolean;
  settled: boolean;
  stopListening: (() => void) | undefined;
}

/** The calls of a client that wait for a reply, with their deadlines. */
export interface WaitingCalls<Rep extends ExchangeReply> {
  readonly size: number;
  add(call: WaitingCall<Rep>): void;
  /** Takes the call that a reply is for; undefined when it no longer waits. */
  take(id: bigint): WaitingCall<Rep> | undefined;
  reject(call: WaitingCall<Rep>, error: GuildhallError): void;
  /** Those handed to the stream, in the order of their numbers. */
  written(): WaitingCall<Rep>[];
  all(): WaitingCall<Rep>[];
}

/** Deadlines are looked at this often: one timer serves every call, and none runs while no call waits. */
const sweepMs = 50;

/** Makes the table; `onExpired` is told how many calls were given up. */
export function makeWaitingCalls<Rep extends ExchangeReply>(
  name: string,
  onExpired: (count: number) => void,
): WaitingCalls<Rep> {
  type Call = WaitingCall<Rep>;
  const calls = new Map<number, Call>();
  let timer: NodeJS.Timeout | undefined;
  let earliestMs = Number.POSITIVE_INFINITY;

  const remove = (call: Call): void => {
    calls.delete(call.number);
    call.settled = true;
    call.stopListening?.();
  };
  const sweep = (): void => {
    if (calls.size === 0) {
      clearInterval(timer);
      timer = undefined;
      earliestMs = Number.POSITIVE_INFINITY;
      return;
    }
    const nowMs = performance.now();
    if (nowMs < earliestMs) return;
    earliestMs = Number.POSITIVE_INFINITY;
    let expired = 0;
    for (const call of calls.values()) {
      if (call.deadlineMs > nowMs) {
        earliestMs = Math.min(earliestMs, call.deadlineMs);
        continue;
      }
      expired += 1;
      remove(call);
      call.reject(lateError(name, call.written));
    }
    if (expired > 0) onExpired(expired);
  };

  return {
    get size() {
      return calls.size;
    },
    add(call) {
      calls.set(call.number, call);
      earliestMs = Math.min(earliestMs, call.deadlineMs);
      timer ??= setInterval(sweep, sweepMs);
    },
    take(id) {
      const call = calls.get(Number(id));
      if (call) remove(call);
      return call;
    },
    reject(call, error) {
      if (call.settled) return;
      remove(call);
      call.reject(error);
    },
    written: () => [...calls.values()].filter((call) => call.written).sort((a, b) => a.number - b.number),
    all: () => [...calls.values()],
  };
}

function lateError(name: string, written: boolean): GuildhallError {
  return written
    ? new GuildhallError("DEADLINE_EXCEEDED", `${name} did not answer in time`)
    : new GuildhallError("UNAVAILABLE", `${name} could not be reached in time`);
}
