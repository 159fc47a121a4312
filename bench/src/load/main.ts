// The load generator: a process of its own, so that its CPU is not the fleet's and can be told apart.
import { Listener } from "./listener.ts";
import type { LoadReply, LoadRequest } from "./protocol.ts";

const listeners: Listener[] = [];
const arrivals: { readonly chunk: Buffer; readonly atMs: number }[] = [];
let watching = false;
const openTimeoutMs = 120_000;

const nowMs = () => performance.timeOrigin + performance.now();
const reply = (message: LoadReply) => void process.send?.(message);

/** Only the time is taken as chunks come: looking into one would delay the next. */
function noteArrival(chunk: Buffer): void {
  if (watching) arrivals.push({ atMs: nowMs(), chunk: Buffer.from(chunk) });
}

function latencies(): number[] {
  return arrivals.flatMap(({ chunk, atMs }) => {
    const texts = chunk.toString("latin1").matchAll(/@@([\d.]+)@@/g);
    return Array.from(texts, ([, sentMs]) => atMs - Number(sentMs));
  });
}

async function openOne(request: LoadRequest & { do: "open" }, token: string | null): Promise<number | undefined> {
  const startedMs = performance.now();
  const listener = new Listener({
    url: request.url,
    token: token ?? undefined,
    intents: request.intents ?? undefined,
    compress: request.compress ?? undefined,
    onChunk: noteArrival,
  });
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const timer = setTimeout(() => resolve(undefined), openTimeoutMs);
  const check = () => {
    if (listener.counter.frames >= request.openFrames) resolve(performance.now() - startedMs);
  };
  listener.onProgress = check;
  listeners.push(listener);
  const openMs = request.openFrames === 0 ? 0 : await promise;
  listener.onProgress = undefined;
  clearTimeout(timer);
  return openMs;
}

async function open(request: LoadRequest & { do: "open" }): Promise<void> {
  const openMs: number[] = [];
  let failed = 0;
  const waiting = [...request.tokens];
  const lane = async () => {
    for (let token = waiting.shift(); token !== undefined; token = waiting.shift()) {
      const ms = await openOne(request, token);
      if (ms === undefined) failed += 1;
      else openMs.push(ms);
    }
  };
  await Promise.all(Array.from({ length: Math.min(request.atOnce, waiting.length) }, lane));
  reply({ did: "open", openMs, failed });
}

function count({ frames, timeoutMs }: LoadRequest & { do: "count" }): void {
  const sum = (of: (listener: Listener) => number) => listeners.reduce((total, one) => total + of(one), 0);
  const before = { frames: sum(({ counter }) => counter.frames), bytes: sum(({ counter }) => counter.bytes) };
  const cpuBefore = process.cpuUsage();
  const deadlineMs = nowMs() + timeoutMs;
  let lastAtMs = nowMs();
  let seen = 0;
  const timer = setInterval(() => {
    const got = sum(({ counter }) => counter.frames) - before.frames;
    if (got > seen) {
      seen = got;
      lastAtMs = nowMs();
    }
    if (got < frames && nowMs() < deadlineMs) return;
    clearInterval(timer);
    const { user, system } = process.cpuUsage(cpuBefore);
    const bytes = sum(({ counter }) => counter.bytes) - before.bytes;
    reply({ did: "count", frames: got, bytes, lastAtMs, cpuSeconds: (user + system) / 1e6 });
  }, 5);
  reply({ did: "counting" });
}

process.on("message", (request: LoadRequest) => {
  switch (request.do) {
    case "open":
      void open(request);
      return;
    case "count":
      count(request);
      return;
    case "watch-latency":
      watching = true;
      arrivals.length = 0;
      reply({ did: "watch-latency" });
      return;
    case "latencies":
      reply({ did: "latencies", ms: latencies() });
      return;
    case "count-open":
      reply({ did: "count-open", open: listeners.filter((listener) => listener.open).length });
      return;
    case "close":
      for (const listener of listeners) listener.close();
      listeners.length = 0;
      reply({ did: "close" });
  }
});
// Whoever started it is gone: so is its purpose.
process.once("disconnect", () => process.exit());
