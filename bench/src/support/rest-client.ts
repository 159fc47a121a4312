import { Agent, request } from "node:http";

/** What came back. */
export interface RestAnswer {
  readonly status: number;
  readonly body: string;
}

/** A keep-alive client with a bounded number of connections; leaner than fetch, so that it costs the machine less. */
export class RestClient implements Disposable {
  readonly #agent: Agent;
  readonly #base: URL;
  readonly #authorization: string;

  constructor(base: string, authorization: string, connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
    this.#base = new URL(base);
    this.#authorization = authorization;
  }

  call(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.#agent,
          host: this.#base.hostname,
          port: this.#base.port,
          path: `${this.#base.pathname.replace(/\/$/, "")}${path}`,
          method,
          headers: {
            authorization: this.#authorization,
            ...(payload === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
          response.on("error", reject);
        },
      );
      outgoing.on("error", reject);
      outgoing.end(payload);
    });
  }

  /** Like `call`, and throws unless the status is 2xx. */
  async must(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await this.call(method, path, body);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body.slice(0, 300)}`);
    }
    return answer.body;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** Runs `work` for 0..total-1 with so many at once. */
export async function inLanes(total: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < total; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, total) }, lane));
}

/** Runs `work` again and again with so many at once until the time is over; returns how often a second. */
export async function rateFor(durationMs: number, atOnce: number, work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  let done = 0;
  const lane = async () => {
    while (performance.now() - startedMs < durationMs) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return done / ((performance.now() - startedMs) / 1000);
}
