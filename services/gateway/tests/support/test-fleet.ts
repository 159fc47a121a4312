import { join } from "node:path";
import { makeTempDir } from "@guildhall/testing";
import {
  createGatewayService,
  type GatewayConfig,
  type GatewayOverrides,
  type GatewayService,
} from "../../src/index.ts";
import { TestClient, type TestClientOptions } from "./test-client.ts";
import { TestRouter } from "./test-router.ts";
import { TestUsers } from "./test-users.ts";

/** A gateway on ports of its own, with a router and accounts in memory behind real RPC. */
export interface TestFleet extends AsyncDisposable {
  readonly gateway: GatewayService;
  readonly router: TestRouter;
  readonly users: TestUsers;
  readonly url: string;
  connect(options?: Partial<TestClientOptions>): TestClient;
  /** Starts another gateway, which shares the sessions' folder with the others. */
  addGateway(name: string, config?: Partial<GatewayConfig>, overrides?: GatewayOverrides): Promise<GatewayService>;
  /** The value of a metric of a gateway, the first one when none is said, summed over its labels. */
  metric(name: string, of?: GatewayService): Promise<number>;
}

/** Starts one. */
export async function startFleet(
  config: Partial<GatewayConfig> = {},
  overrides: GatewayOverrides = {},
): Promise<TestFleet> {
  await using starting = new AsyncDisposableStack();
  const { path } = starting.use(makeTempDir());
  const socket = (name: string) => `unix:${join(path, `${name}.sock`)}`;
  const router = starting.use(new TestRouter());
  const users = starting.use(new TestUsers((item) => router.publish(item)));
  await router.start(socket("r"));
  await users.start(socket("u"));
  const startGateway = async (name: string, changes: Partial<GatewayConfig>, others: GatewayOverrides) =>
    stack.use(
      await createGatewayService(
        {
          name,
          metricsHost: "127.0.0.1",
          metricsPort: 0,
          logLevel: "silent",
          logFormat: "json",
          otlpEndpoint: undefined,
          host: "127.0.0.1",
          port: 0,
          ownPort: 0,
          isFromParent: false,
          listen: socket(name),
          address: undefined,
          coordinator: socket("c"),
          drainDeadlineMs: 10_000,
          drainBatchPercent: 10,
          sessionsDir: join(path, "sessions"),
          gatewayUrl: "ws://127.0.0.1:1",
          routers: [socket("r")],
          users: [socket("u")],
          heartbeatIntervalMs: 41_250,
          resumeWindowMs: 120_000,
          zstdContexts: 2,
          rateLimits: "Off",
          maxSessions: 10_000,
          ...config,
          ...changes,
        },
        { ...overrides, ...others },
      ),
    );
  let stack: AsyncDisposableStack = starting;
  const gateway = await startGateway("gateway-0", {}, {});
  stack = starting.move();
  const url = `ws://127.0.0.1:${gateway.ports.ws}`;
  const clients: TestClient[] = [];
  stack.defer(() => {
    for (const client of clients) client.terminate();
  });
  return {
    gateway,
    router,
    users,
    url,
    connect(options = {}) {
      const client = new TestClient({ url, query: "?v=10&encoding=json", ...options });
      clients.push(client);
      return client;
    },
    addGateway: (name, changes = {}, others = {}) => startGateway(name, changes, others),
    async metric(name, of = gateway) {
      const text = await (await fetch(of.metricsUrl)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
