import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "@jest/globals";
import { makeHandedSockets, systemClock, systemTimers } from "./index.ts";

const fixture = fileURLToPath(new URL("./fixtures/service.ts", import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Service {
  readonly child: ChildProcess;
  readonly messages: unknown[];
  readonly exited: Promise<{ code: number | null; stderr: string }>;
  /** Resolves at the first message that has `key`. */
  heard(key: string, value?: string): Promise<unknown>;
}

function start(mode: string): Service {
  const child = fork(fixture, {
    env: { MODE: mode, GUILDHALL_NAME: "guild-0" },
    execArgv: ["--disable-warning=ExperimentalWarning"],
    silent: true,
  });
  children.push(child);
  const messages: unknown[] = [];
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const closed = new Promise((resolve) => child.stderr?.once("close", resolve));
  // Not the child's "close": it never comes once the parent has disconnected.
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.on("message", (message) => messages.push(message));
  return {
    child,
    messages,
    exited: Promise.all([exited, closed]).then(([code]) => ({ code, stderr })),
    heard: (key, value) =>
      new Promise((resolve) => {
        const look = () => {
          const found = messages.find((one) => has(one, key, value));
          if (found) resolve(found);
        };
        child.on("message", look);
        look();
      }),
  };
}

function has(message: unknown, key: string, value: string | undefined): boolean {
  const found = (message as Record<string, unknown>)[key];
  return found !== undefined && (value === undefined || found === value);
}

test("tells its parent where it is, drains and disposes at SIGTERM, and exits 0", async () => {
  const { child, messages, exited, heard } = start("serves");
  expect(await heard("ready")).toEqual({
    ready: {
      name: "guild-0",
      address: "unix:/run/guild-0.sock",
      metrics: "http://127.0.0.1:1/metrics",
      ports: { ws: 7 },
    },
  });
  child.kill("SIGTERM");
  expect(await exited).toEqual({ code: 0, stderr: "" });
  expect(messages.slice(1)).toEqual([{ event: "drain" }, { front: "draining" }, { event: "disposed" }]);
});

test("a stop that takes its time is an orderly one", async () => {
  const { child, exited, heard } = start("drains slowly");
  await heard("ready");
  child.kill("SIGTERM");
  expect(await exited).toEqual({ code: 0, stderr: "" });
});

test("a service says itself how long its stop may take", async () => {
  const { child, exited, heard } = start("hurries");
  await heard("ready");
  child.kill("SIGTERM");
  expect((await exited).code).toBe(1);
});

test("takes connections that its parent hands over, and answers each message", async () => {
  const { child, messages, heard } = start("serves");
  await heard("ready");
  const server = createServer({ pauseOnConnect: true }, (socket) => child.send({ front: "socket", n: 7 }, socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    child.send({ front: "ping", n: 6 });
    child.send({ other: "message" });
    const answered = new Promise<void>((resolve) => {
      child.on("message", (message) => (message as { n?: number }).n === 7 && resolve());
    });
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [text] = await once(client.setEncoding("utf8"), "data");
    expect(text).toBe("taken");
    await answered;
    expect(messages.slice(1)).toEqual([
      { front: "here", n: 6 },
      { front: "here", n: 7 },
    ]);
  } finally {
    server.close();
  }
});

test("knows a parent that has closed the port, or is gone", () => {
  const channel = Object.assign(new EventEmitter(), { send: () => true });
  const sockets = [makeHandedSockets(channel), makeHandedSockets(channel)] as const;
  sockets[0].take(() => {});
  channel.emit("message", { front: "closed" });
  sockets[1].take(() => {});
  expect(sockets.map(({ isPortClosed }) => isPortClosed)).toEqual([true, false]);
  channel.emit("disconnect");
  expect(sockets[1].isPortClosed).toBe(true);
});

test("stops when its parent lets go of it", async () => {
  const { child, exited, heard } = start("serves");
  await heard("ready");
  child.disconnect();
  expect((await exited).code).toBe(0);
});

test("a start that is refused is one line on stderr and exit 1", async () => {
  const { exited, messages } = start("refuses");
  expect(await exited).toEqual({ code: 1, stderr: "guild-0: BAD_CONFIG: GUILDHALL_LISTEN is not set\n" });
  expect(messages).toEqual([]);
});

test("a signal while it is starting ends the start, in order", async () => {
  const { child, exited, messages, heard } = start("waits");
  await heard("event", "waiting");
  child.kill("SIGINT");
  expect(await exited).toEqual({ code: 0, stderr: "" });
  expect(messages).toEqual([{ event: "waiting" }]);
});

test("a repeated signal is the same request; a later one exits at once", async () => {
  const { child, exited, heard } = start("hangs");
  await heard("ready");
  child.kill("SIGINT");
  child.kill("SIGINT");
  await heard("event", "drain");
  const again = setInterval(() => child.kill("SIGINT"), 100);
  expect((await exited).code).toBe(1);
  clearInterval(again);
});

test("the system's clock is near the machine's and agrees with itself", () => {
  const beforeMs = systemClock.nowMs();
  const us = systemClock.nowUs();
  expect(Number(us) / 1_000).toBeGreaterThanOrEqual(beforeMs - 1);
  expect(Math.abs(beforeMs - Date.now())).toBeLessThan(60_000);
});

test("the system's timers run and can be cancelled", async () => {
  const ran: string[] = [];
  const cancelled = systemTimers.after(1, () => void ran.push("cancelled"));
  cancelled[Symbol.dispose]();
  await new Promise<void>((resolve) => {
    const every = systemTimers.every(1, () => {
      ran.push("every");
      if (ran.length === 2) {
        every[Symbol.dispose]();
        systemTimers.after(5, resolve);
      }
    });
  });
  expect(ran).toEqual(["every", "every"]);
});
