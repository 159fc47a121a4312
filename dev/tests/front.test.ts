import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { waitFor } from "@guildhall/testing";
import { afterEach, expect, test } from "@jest/globals";
import { type Front, openFront } from "../src/front/front.ts";
import { type Child, makeChild } from "../src/supervisor/child.ts";

const program = fileURLToPath(new URL("./programs/taker.ts", import.meta.url));
let front: Front | undefined;
let children: Child[] = [];
let sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  // One that is asked to stop before the front has heard of it is never told that the port is closed.
  await Promise.all(children.filter(({ state }) => state === "starting").map((child) => child.whenReady()));
  front?.close();
  front = undefined;
  await Promise.all(children.splice(0).map((child) => child.stop()));
  children = [];
  sockets = [];
});

async function open(names: readonly string[], host = "127.0.0.1"): Promise<Front> {
  const opened = await openFront({ host, port: 0 });
  front = opened;
  children = names.map((name) => {
    const child: Child = makeChild({
      name,
      launch: () => ({
        program,
        environment: { TAKER: name },
        nodeFlags: ["--disable-warning=ExperimentalWarning"],
        revision: "",
      }),
      onLine: (line) => process.stderr.write(`${name} ${line}\n`),
      onSpawn() {},
      onReady: () => opened.add(child),
      onGone: () => opened.remove(name),
      onClosed: () => opened.ended(name),
      onMessage: (message) => opened.heard(name, message),
      onLost() {},
    });
    child.start();
    return child;
  });
  await Promise.all(children.map((child) => child.whenReady()));
  return opened;
}

/** Connects; resolves with the name of who took it. "" when it was closed instead. */
async function ask(host = "127.0.0.1"): Promise<string> {
  const socket = connect({ host, port: front?.port ?? 0 });
  sockets.push(socket);
  socket.on("error", () => {});
  // Sent before anybody has it: none of that is lost.
  socket.write("hello");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
  });
  let isClosed = false;
  socket.on("close", () => {
    isClosed = true;
  });
  await waitFor(() => isClosed || /^(\w+)\nhello$/.test(text), { timeoutMs: 30_000 });
  return text.split("\n")[0] ?? "";
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

test("hands connections to processes in turn, with all that was sent before", async () => {
  await open(["a", "b", "c"]);
  const names: string[] = [];
  for (let count = 0; count < 9; count++) names.push(await ask());
  expect(countsOf(names)).toEqual({ a: 3, b: 3, c: 3 });
});

test("listens on IPv6", async () => {
  await open(["a"], "::1");
  expect(await ask("::1")).toBe("a");
});

test("a process that hangs is given nothing more", async () => {
  const { counts } = await open(["a", "b"]);
  await children[0]?.kill("SIGSTOP");
  const names = await Promise.all(Array.from({ length: 20 }, () => ask()));
  expect(countsOf(names)).toEqual({ b: 20 });
  await children[0]?.kill("SIGCONT");
  await waitFor(async () => (await ask()) === "a");
  expect(counts.givenUp).toBe(0);
});

test("whoever comes while all processes are dead waits for the next one", async () => {
  await open(["a", "b"]);
  expect([await ask(), await ask()].sort()).toEqual(["a", "b"]);
  await Promise.all(children.map((child) => child.kill("SIGKILL")));
  const names = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(names.filter((name) => name === "a" || name === "b")).toHaveLength(10);
});

test("a process that dies while connections are on their way takes nobody else along", async () => {
  await open(["a", "b"]);
  const asked = Array.from({ length: 400 }, () => ask());
  await waitFor(() => (front?.counts.handed.get("a") ?? 0) > 20);
  await children[0]?.kill("SIGKILL");
  const names = await Promise.all(asked);
  const unserved = names.filter((name) => name === "").length;
  // Those alone that were handed to it and not yet served.
  expect(unserved).toBeLessThanOrEqual(front?.counts.handed.get("a") ?? 0);
  expect(names.filter((name) => name !== "")).toHaveLength(400 - unserved);
  expect(await ask()).toMatch(/^[ab]$/);
});

test("a process that drains is given nothing more, and hears that the port is closed", async () => {
  const { close } = await open(["a", "b"]);
  const stopped = children[0]?.stop();
  const names = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(countsOf(names)).toEqual({ b: 10 });
  close();
  await stopped;
});
