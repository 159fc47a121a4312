import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlClient, makeControlClient } from "@guildhall/cli/control";
import { createFleet, type Demo, type Fleet } from "@guildhall/dev";
import { fetchMetrics, type MetricsPage } from "./metrics-page.ts";

/** A fleet for one benchmark, in a temporary folder, without rate limits and without heartbeats in the way. */
export interface BenchFleet extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly api: string;
  readonly gateway: string;
  readonly demo: Demo;
  readonly control: ControlClient;
  /** The address of just one gateway. */
  ownUrlOf(name: string): string | undefined;
  pidsOf(service: string): number[];
  metricsOf(service: string): Promise<MetricsPage>;
}

/** The document of such a fleet. */
export const benchSpec = {
  apiVersion: "guildhall.dev/v1alpha1",
  kind: "ShardSet",
  metadata: { name: "bench" },
  spec: {
    shards: 4,
    rateLimits: "Off",
    log: { level: "warn", format: "Text" },
    gateway: { heartbeatInterval: "10m", resumeWindow: "120s" },
    accounts: { passwordCost: "Low" },
  },
};

/** Starts the fleet, with more in its spec; its errors go to standard error. */
export async function createBenchFleet(more: object = {}): Promise<BenchFleet> {
  await using stack = new AsyncDisposableStack();
  const state = await mkdtemp(join(tmpdir(), "guildhall-bench-"));
  stack.defer(() => rm(state, { recursive: true, force: true }));
  const output = { write: (text: string) => process.stderr.write(text), colors: false };
  const fleet = stack.use(
    await createFleet({
      state,
      spec: { ...benchSpec, spec: { ...benchSpec.spec, ...more } },
      ports: { api: 0, gateway: 0 },
      output,
    }),
  );
  const of = (service: string) => fleet.endpoints.processes.filter((one) => one.service === service);
  const { api, gateway, demo } = fleet.endpoints;
  if (demo === undefined) throw new Error("the fleet came without its demo");
  const owned = stack.move();
  return {
    fleet,
    api,
    gateway,
    demo,
    control: makeControlClient(state),
    ownUrlOf: (name) => fleet.endpoints.processes.find((one) => one.name === name)?.url,
    pidsOf: (service) => of(service).map(({ pid }) => pid),
    metricsOf: (service) => fetchMetrics(of(service).map(({ metrics }) => metrics)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
