import { join } from "node:path";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { type ApiConfig, type ApiService, createApiService } from "../../src/index.ts";
import { startSmallCoordinator } from "./small-coordinator.ts";
import { type SmallRouter, startSmallRouter } from "./small-router.ts";
import { type SmallUser, startSmallUser } from "./small-user.ts";

/** An answer of the service. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what tests look into is what they assert.
  readonly json: any;
}

/** What a request may hold besides method and path. */
interface Asking {
  readonly token?: string;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The service, ready, with small peers around it. */
export interface SmallFleet extends AsyncDisposable {
  readonly api: ApiService;
  readonly user: SmallUser;
  readonly router: SmallRouter;
  /** Tokens in full, as Authorization headers hold them. */
  readonly person: string;
  readonly bot: string;
  /** A bot with every privileged intent. */
  readonly privilegedBot: string;
  /** Asks below /api/v10, as the person unless told otherwise; an empty token is none. */
  ask(method: string, path: string, asking?: Asking): Promise<Answered>;
  /** Asks, and returns what reached the router: the topic, and the command's or the read's body. */
  becomes(method: string, path: string, body?: unknown): Promise<[bigint, unknown]>;
  /** Ends the router and starts another in its place, which `router` is then. */
  restartRouter(): Promise<void>;
}

/** Ids of the accounts. */
export const personId = 1_000_000_000_000_000_001n;
export const botId = 1_000_000_000_000_000_002n;
const privilegedBotId = 1_000_000_000_000_000_003n;

const privilegedFlags = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** Starts everything and waits until the service is ready. */
export async function startSmallFleet(overrides: Partial<ApiConfig> = {}): Promise<SmallFleet> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(makeTempDir());
  const at = (name: string) => `unix:${join(path, `${name}.sock`)}`;
  stack.use(await startSmallCoordinator(at("coordinator")));
  const user = stack.use(await startSmallUser(at("user")));
  let router = await startSmallRouter(at("router"));
  stack.defer(() => router[Symbol.asyncDispose]());
  const api = stack.use(
    await createApiService({
      name: "api-0",
      metricsHost: "127.0.0.1",
      metricsPort: 0,
      logLevel: "silent",
      logFormat: "json",
      otlpEndpoint: undefined,
      httpHost: "127.0.0.1",
      httpPort: 0,
      routers: [at("router")],
      users: [at("user")],
      coordinator: at("coordinator"),
      gatewayUrl: "ws://127.0.0.1:1234",
      rateLimits: "Off",
      ...overrides,
    }),
  );
  await waitUntilReady(api);
  const person = user.addAccount({ id: personId });
  const owned = stack.move();
  return {
    api,
    user,
    get router() {
      return router;
    },
    person,
    bot: `Bot ${user.addAccount({ id: botId, bot: true })}`,
    privilegedBot: `Bot ${user.addAccount({ id: privilegedBotId, bot: true, flags: privilegedFlags })}`,
    ask: (method, url, asking = {}) => ask(api, method, `/api/v10${url}`, { token: person, ...asking }),
    async becomes(method, url, body) {
      const { status, text } = await ask(api, method, `/api/v10${url}`, { token: person, body });
      if (status !== 200) throw new Error(`${status} ${text}`);
      const { topic, command, read } = router.last();
      return [topic, command?.body ?? read?.body];
    },
    async restartRouter() {
      await router[Symbol.asyncDispose]();
      router = await startSmallRouter(at("router"));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function waitUntilReady(api: ApiService): Promise<void> {
  const readyUrl = String(api.metricsUrl).replace(/metrics$/, "readyz");
  await waitFor(async () => (await fetch(readyUrl)).ok);
}

async function ask(api: ApiService, method: string, url: string, { token, body, headers }: Asking): Promise<Answered> {
  const isText = typeof body === "string" || Buffer.isBuffer(body);
  const response = await api.app.inject({
    method: method as "GET",
    url,
    headers: {
      ...(token ? { authorization: token } : {}),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: isText ? body : JSON.stringify(body) }),
  });
  const { statusCode: status, payload: text } = response;
  return { status, headers: response.headers, text, json: text === "" ? undefined : JSON.parse(text) };
}
