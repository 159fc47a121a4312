import { chmodSync, lstatSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { errorTable, GuildhallError, isGuildhallError, toGuildhallError } from "@guildhall/errors";
import type { ControlFailure } from "./api.ts";

/** Answers a verb; throws GuildhallErrors for what it refuses. */
export type VerbHandler = (body: unknown) => Promise<object>;

/** The socket that a running fleet is driven by. */
export interface ControlServer extends AsyncDisposable {
  /** Where it listens, as clients find it. */
  readonly path: string;
}

/** What a control socket needs. */
export interface ControlServerOptions {
  /** Where clients look for it. */
  readonly path: string;
  /** Where the sockets of the fleet are: it is made there when `path` is too long for a socket's address. */
  readonly sockets: string;
  readonly verbs: Readonly<Record<string, VerbHandler>>;
  /** A request failed in a way that nobody foresaw. */
  readonly onFault: (verb: string, error: GuildhallError) => void;
}

const mostBodyBytes = 64 * 1024;
const mostAtOnce = 32;
/** sun_path holds 108 bytes on Linux and 104 on macOS. */
const mostPathBytes = 100;
const prefix = "/v1/";

/**
 * Serves the verbs over HTTP and JSON on a unix socket that only its owner may open: being able to is the permission.
 * Whoever has asked for something and goes away has asked for it: it is done all the same.
 */
export async function openControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { path } = options;
  let underWay = 0;
  const server = createServer((request, response) => {
    if (underWay >= mostAtOnce) {
      refuse(response, new GuildhallError("OVERLOADED", `${mostAtOnce} requests are under way: try again`));
      return;
    }
    underWay += 1;
    void answer(request, response, options).finally(() => {
      underWay -= 1;
    });
  });
  // A body comes at once: it is small and from this machine. What a verb does may take as long as it takes.
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  const bound = Buffer.byteLength(path) <= mostPathBytes ? path : join(options.sockets, "control.sock");
  rmSync(path, { force: true });
  rmSync(bound, { force: true });
  await listen(server, bound);
  chmodSync(bound, 0o600);
  if (bound !== path) symlinkSync(bound, path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path, { force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // The socket is made in this turn: from its first moment on it is its owner's alone.
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { verbs, onFault }: ControlServerOptions,
): Promise<void> {
  const [path = ""] = (request.url ?? "").split("?");
  const verb = path.startsWith(prefix) ? path.slice(prefix.length) : "";
  try {
    const handler = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (handler === undefined) {
      const known = Object.keys(verbs).join(", ");
      throw new GuildhallError("UNKNOWN_ROUTE", `no verb ${JSON.stringify(path)}: POST ${prefix}VERB, one of ${known}`);
    }
    if (request.method !== "POST") throw new GuildhallError("METHOD_NOT_ALLOWED", `${path} takes POST only`);
    reply(response, 200, await handler(await readBody(request)));
  } catch (error) {
    const failure = toGuildhallError(error);
    if (!isGuildhallError(error)) onFault(verb, failure);
    refuse(response, failure);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBodyBytes) {
      throw new GuildhallError("PAYLOAD_TOO_LARGE", `the body is over ${mostBodyBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GuildhallError("MALFORMED_JSON", "the body is not JSON", { cause });
  }
}

function refuse(response: ServerResponse, error: GuildhallError): void {
  const path = error.fields?.[0]?.path.join(".");
  const failure: ControlFailure = {
    code: error.code,
    message: error.message,
    ...(path === undefined || path === "" ? {} : { path }),
  };
  // What is left of a refused body is not read.
  response.shouldKeepAlive = false;
  reply(response, errorTable[error.code].httpStatus, failure);
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length }).end(bytes);
}
