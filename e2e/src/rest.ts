import { Agent, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";

/** An answer as it came over the wire. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body parsed; undefined when there is none or it is not JSON. */
  readonly body: unknown;
}

/** What Discord answers to a request that it refuses. */
export interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly errors?: unknown;
}

/** How one request differs from the usual. */
export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as it stands, in place of a body made of a value. */
  readonly raw?: string | Buffer;
  readonly timeoutMs?: number;
}

/** A client of the REST API under one token that hides nothing: no retries, no rate limit queue. */
export interface Rest {
  /** Whatever the status is. Rejects only when no answer came. */
  send(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<RestAnswer>;
  /** The answer's body; rejects with RestError unless the status is 2xx. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body?: unknown): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** The same server under another `Authorization` header; undefined sends none. */
  as(authorization: string | undefined): Rest;
}

/** An answer that was not the success that was expected. */
export class RestError extends Error {
  readonly answer: RestAnswer;
  constructor(what: string, answer: RestAnswer) {
    super(`${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
    this.name = "RestError";
    this.answer = answer;
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const defaultTimeoutMs = 40_000;

/** A client of the API at `api` (with version). */
export function makeRest(api: string, authorization?: string): Rest {
  const send: Rest["send"] = (method, path, body, options = {}) => {
    const payload = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers: OutgoingHttpHeaders = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
      ...options.headers,
    };
    return exchange(`${api}${path}`, method, headers, payload, options.timeoutMs ?? defaultTimeoutMs);
  };
  const expectSuccess = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await send(method, path, body);
    if (answer.status < 200 || answer.status > 299) throw new RestError(`${method} ${path}`, answer);
    return answer.body as T;
  };
  return {
    send,
    get: (path) => expectSuccess("GET", path),
    post: (path, body) => expectSuccess("POST", path, body),
    put: (path, body) => expectSuccess("PUT", path, body),
    patch: (path, body) => expectSuccess("PATCH", path, body),
    delete: (path) => expectSuccess("DELETE", path),
    as: (other) => makeRest(api, other),
  };
}

function exchange(
  url: string,
  method: string,
  headers: OutgoingHttpHeaders,
  payload: string | Buffer | undefined,
  timeoutMs: number,
): Promise<RestAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent, timeout: timeoutMs });
    asked.once("error", reject);
    asked.once("timeout", () => asked.destroy(new Error(`no answer to ${method} ${url} within ${timeoutMs} ms`)));
    asked.once("response", (answer) => readAnswer(answer).then(resolve, reject));
    asked.end(payload);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<RestAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return { status: answer.statusCode ?? 0, headers: answer.headers, text, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
