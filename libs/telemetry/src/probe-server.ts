import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { Metrics } from "./metrics.ts";

/** True or an empty record: ready. Else what is not, e.g. `{journal: "unreachable for 3 s"}`. */
export type ReadyCheck = () => boolean | Readonly<Record<string, string>>;

/** What is to be known though it serves, by subject. */
export type ReadyNotes = () => Readonly<Record<string, string>>;

/** What the probes ask. */
export interface ProbeServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly isReady: ReadyCheck;
  readonly notes?: ReadyNotes;
}

/** HTTP for probes and scrapers: /metrics, /healthz (the process answers) and /readyz (it serves). */
export interface ProbeServer extends AsyncDisposable {
  readonly url: string;
}

/** Starts the server; rejects with the system's error when the port is taken. */
export async function createProbeServer({
  host,
  port,
  metrics,
  isReady,
  notes = () => ({}),
}: ProbeServerOptions): Promise<ProbeServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      answerJson(response, 405, { error: "method not allowed" });
    } else if (path === "/metrics") {
      void answerMetrics(response, metrics);
    } else if (path === "/healthz") {
      answerJson(response, 200, { status: "ok" });
    } else if (path === "/readyz") {
      answerReady(response, isReady, notes);
    } else {
      answerJson(response, 404, { error: "not found" });
    }
  });
  server.listen(port, host);
  await once(server, "listening");
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound.port}`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

async function answerMetrics(response: ServerResponse, metrics: Metrics): Promise<void> {
  try {
    const { text, contentType } = await metrics.read();
    answer(response, 200, contentType, text);
  } catch (error) {
    answerJson(response, 500, { error: (error as Error).message });
  }
}

function answerReady(response: ServerResponse, isReady: ReadyCheck, notes: ReadyNotes): void {
  let failing: Readonly<Record<string, string>>;
  try {
    const state = isReady();
    failing = typeof state === "boolean" ? (state ? {} : { service: "not ready" }) : state;
  } catch (error) {
    failing = { check: (error as Error).message };
  }
  const ready = Object.keys(failing).length === 0;
  const more = noted(notes);
  if (ready) answerJson(response, 200, { status: "ready", ...more });
  else answerJson(response, 503, { status: "not ready", failing, ...more });
}

function noted(notes: ReadyNotes): { readonly notes?: object } {
  try {
    const said = notes();
    return Object.keys(said).length === 0 ? {} : { notes: said };
  } catch (error) {
    return { notes: { notes: (error as Error).message } };
  }
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  answer(response, status, "application/json", JSON.stringify(body));
}

function answer(response: ServerResponse, status: number, contentType: string, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": body.length,
    "Cache-Control": "no-store",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
