// Sessions that resume when their gateway is gone: a process of its own, so that its CPU is not the fleet's.
import { type RawData, WebSocket } from "ws";
import type { ResumersReply, ResumersRequest } from "./resumers.ts";

interface Watched {
  s: number;
  id: string;
  resumeUrl: string;
  readies: number;
  lostMs: number | undefined;
  resumedMs: number | undefined;
}

const all: Watched[] = [];
const problems: string[] = [];
const openAtOnce = 50;
const retryMs = 100;
const handshakeMs = 10_000;
let token = "";
let intents = 0;

const reply = (message: ResumersReply) => void process.send?.(message);

/** Connects a session, anew or by RESUME, and again whenever it loses its connection. */
function connect(watched: Watched, url: string, onReady: () => void): void {
  const socket = new WebSocket(`${url}/?v=10&encoding=json`, {
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
  });
  socket.on("message", (data: RawData) => take(watched, socket, String(data), onReady));
  socket.on("error", () => {});
  socket.on("close", () => {
    watched.lostMs ??= performance.now();
    setTimeout(() => connect(watched, watched.resumeUrl || url, onReady), retryMs);
  });
}

function take(watched: Watched, socket: WebSocket, text: string, onReady: () => void): void {
  const { op, s, t, d } = JSON.parse(text) as { op: number; s: number | null; t: string | null; d: unknown };
  if (op === 10) {
    const { id } = watched;
    const properties = { os: "linux", browser: "bench", device: "bench" };
    const payload =
      id === ""
        ? { op: 2, d: { token, properties, intents } }
        : { op: 6, d: { token, session_id: id, seq: watched.s } };
    socket.send(JSON.stringify(payload));
  } else if (op === 9) {
    problems.push(`session ${watched.id.slice(0, 8)} is invalid at s ${watched.s}`);
    watched.id = "";
    watched.s = 0;
    socket.close(4000);
  } else if (op === 0) {
    if (s !== watched.s + 1) problems.push(`${t} came with s ${s} after ${watched.s}`);
    watched.s = s ?? 0;
    if (t === "READY") {
      const ready = d as { session_id: string; resume_gateway_url: string };
      watched.id = ready.session_id;
      watched.resumeUrl = ready.resume_gateway_url;
      watched.readies += 1;
    }
    if (t === "GUILD_CREATE") onReady();
    if (t === "RESUMED") watched.resumedMs ??= performance.now();
  }
}

async function open(request: ResumersRequest & { do: "open" }): Promise<void> {
  token = request.token;
  intents = request.intents;
  let left = request.sessions;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const watched: Watched = { s: 0, id: "", resumeUrl: "", readies: 0, lostMs: undefined, resumedMs: undefined };
      all.push(watched);
      await new Promise<void>((resolve) => connect(watched, request.url, resolve));
    }
  };
  await Promise.all(Array.from({ length: openAtOnce }, lane));
  reply({ did: "open" });
}

function watch({ sessions, timeoutMs }: ResumersRequest & { do: "watch" }): void {
  const endMs = performance.now() + timeoutMs;
  const timer = setInterval(() => {
    const resumed = all.filter(({ resumedMs }) => resumedMs !== undefined);
    if (resumed.length < sessions && performance.now() < endMs) return;
    clearInterval(timer);
    reply({
      did: "watch",
      resumedMs: resumed.map(({ resumedMs = 0, lostMs = 0 }) => resumedMs - lostMs),
      identified: all.filter(({ readies }) => readies > 1).length,
      problems: problems.splice(0),
    });
  }, 10);
}

process.on("message", (request: ResumersRequest) => {
  if (request.do === "open") void open(request);
  else if (request.do === "watch") watch(request);
  else reply({ did: "check", problems: problems.splice(0) });
});
// Whoever started it is gone: so is its purpose.
process.once("disconnect", () => process.exit());
