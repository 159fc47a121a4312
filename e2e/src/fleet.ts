import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createFleet, type Demo, type Endpoints, type Fleet } from "@guildhall/dev";
import { makeTempDir } from "@guildhall/testing";
import { makeRest, type Rest } from "./rest.ts";

/** What a suite wants to be otherwise than in the usual fleet for tests. */
export interface FleetChanges {
  readonly rateLimits?: "Standard" | "Off";
  /** Durations as in a ShardSet: "2s", "41250ms". */
  readonly heartbeatInterval?: string;
  readonly resumeWindow?: string;
  readonly zstdContexts?: number;
  /** Left out: 2. */
  readonly gateways?: number;
  readonly withDemo?: boolean;
  /** The state folder; left out: one of its own, removed at the end. */
  readonly state?: string;
  readonly logLevel?: "debug" | "info" | "warn" | "error";
}

/** A fleet of real processes with a state folder of its own; disposing stops it and removes the folder. */
export interface TestFleet extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly endpoints: Endpoints;
  readonly demo: Demo;
  /** REST without a token. */
  readonly rest: Rest;
  /** Address of the gateways' common port. */
  readonly gateway: string;
  /** What the processes have written so far. */
  readonly log: readonly string[];
  /** Adds lines of the suite itself to the log. */
  note(...lines: string[]): void;
  /** The names of the processes of a service. */
  namesOf(service: string): string[];
  pidOf(name: string): number;
  /** The address of just one gateway. */
  urlOf(name: string): string;
  /** Kills a process at once and resolves when it is ready again under a new pid. */
  killAndAwait(name: string): Promise<void>;
}

/** The document that fleets for tests are planned from. */
export function testSpec(changes: FleetChanges = {}): object {
  return {
    apiVersion: "guildhall.dev/v1alpha1",
    kind: "ShardSet",
    metadata: { name: "e2e" },
    spec: {
      shards: 4,
      endpoints: { host: "127.0.0.1", apiPort: 0, gatewayPort: 0 },
      log: { level: changes.logLevel ?? "warn", format: "Text" },
      rateLimits: changes.rateLimits ?? "Off",
      guild: { hosts: 2 },
      gateway: {
        replicas: changes.gateways ?? 2,
        // Witnesses that do not come back by themselves hold no test up for long.
        drain: { deadline: "12s", batch: "25%" },
        ...(changes.heartbeatInterval === undefined ? {} : { heartbeatInterval: changes.heartbeatInterval }),
        ...(changes.resumeWindow === undefined ? {} : { resumeWindow: changes.resumeWindow }),
        ...(changes.zstdContexts === undefined ? {} : { zstdContexts: changes.zstdContexts }),
      },
      accounts: { passwordCost: "Low" },
    },
  };
}

/** Starts a fleet; resolves when every process is ready. */
export async function startFleet(changes: FleetChanges = {}): Promise<TestFleet> {
  await using stack = new AsyncDisposableStack();
  const folder = changes.state === undefined ? stack.use(makeTempDir()).path : changes.state;
  const log: string[] = [];
  const copy = logCopy();
  stack.defer(() => {
    copy?.end();
  });
  const write = (line: string): void => {
    log.push(line);
    copy?.write(line);
  };
  const fleet = stack.use(
    await createFleet({
      state: join(folder, "state"),
      spec: testSpec(changes),
      withDemo: changes.withDemo ?? false,
      output: { write },
      // Less than a hook may take: a start that fails then says which process was not ready, and what it said last.
      startTimeoutMs: 40_000,
    }),
  );
  const owned = stack.move();
  const find = (name: string) => {
    const found = fleet.endpoints.processes.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no process ${name}`);
    return found;
  };
  const pidOf = (name: string): number => find(name).pid;
  return {
    fleet,
    log,
    note(...lines) {
      for (const line of lines) write(`${line}\n`);
    },
    get endpoints() {
      return fleet.endpoints;
    },
    get demo() {
      const { demo } = fleet.endpoints;
      if (demo === undefined) throw new Error("this fleet was started without a demo");
      return demo;
    },
    rest: makeRest(fleet.endpoints.api),
    gateway: fleet.endpoints.gateway,
    namesOf: (service) => fleet.endpoints.processes.filter((each) => each.service === service).map(({ name }) => name),
    pidOf,
    urlOf(name) {
      const { url } = find(name);
      if (url === undefined) throw new Error(`${name} has no address of its own`);
      return url;
    },
    async killAndAwait(name) {
      const before = pidOf(name);
      await fleet.kill(name);
      await fleet.whenReady(name);
      if (pidOf(name) === before) throw new Error(`${name} still has pid ${before}`);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The lines of the processes also go to the file that GUILDHALL_E2E_LOG names, to read after a failure. */
function logCopy() {
  const file = process.env.GUILDHALL_E2E_LOG;
  return file === undefined ? undefined : createWriteStream(file, { flags: "a" });
}
