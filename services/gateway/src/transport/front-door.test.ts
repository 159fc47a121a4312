import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, expect, test } from "@jest/globals";
import { makeDeflater } from "../codec/deflate.ts";
import type { Session } from "../domain/session.ts";
import type { Connection } from "./connection.ts";
import { Flusher } from "./flusher.ts";
import { FrontDoor } from "./front-door.ts";
import type { GatewaySocket } from "./gateway-socket.ts";

const heartbeatIntervalMs = 2_000;
let nowMs: number;
let refused: number[];
let door: FrontDoor;
let connection: Connection;

beforeEach(() => {
  nowMs = 0;
  refused = [];
  const ports = { beforeWrite: () => {}, soon: () => {}, onOverLimit: () => {} };
  door = new FrontDoor({
    flusher: new Flusher({ ...ports, sent: { dispatches: 0, bytes: 0 }, maxQueuedBytes: 1_024 }),
    deflater: makeDeflater(() => {}),
    ...{ maxContexts: 0, heartbeatIntervalMs, hello: Buffer.from("{}"), nowMs: () => nowMs },
    ...{ onMessage: () => {}, onPing: () => {}, onClosed: () => {} },
    onRefused: (_, code) => void refused.push(code),
  });
  const socket = new EventEmitter() as unknown as GatewaySocket;
  door.enter({ socket, raw: {} as Socket, query: new URLSearchParams() });
  [connection] = [...door.connections] as [Connection];
});

/** Time goes on in small steps, while the client beats or not. */
function pass(ms: number, isBeating: boolean): void {
  for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 250) {
    if (isBeating && nowMs % heartbeatIntervalMs === 0) connection.lastBeatMs = nowMs;
    door.watch();
  }
}

test("who has not said in a minute who they are is closed for it", () => {
  pass(59_000, true);
  expect(refused).toEqual([]);
  pass(2_000, true);
  expect(refused[0]).toBe(4003);
});

test("who gives no sign of life is closed so that the session can be resumed", () => {
  connection.session = {} as Session;
  pass(10_000, true);
  expect(refused).toEqual([]);
  pass(4_000, false);
  expect(refused).toEqual([4000]);
});

test("whose session was taken off to be resumed elsewhere is not held to be nobody", () => {
  connection.session = {} as Session;
  pass(100_000, true);
  connection.session = undefined;
  connection.isLeaving = true;
  pass(5_000, true);
  expect(refused).toEqual([]);
});
