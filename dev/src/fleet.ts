import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import type { ShardSet } from "@guildhall/operator/api";
import { environmentOf, type Instance, type Part, type Fleet as Plan, plan } from "@guildhall/operator/plan";
import { childEnvironment } from "./config.ts";
import { makeDemo } from "./demo/make-demo.ts";
import type { Endpoints, ProcessEndpoint } from "./endpoints.ts";
import { type Front, openFront } from "./front/front.ts";
import { type LineTarget, makeOutput, type Output, silentOutput } from "./output/output.ts";
import { type LocalPlaces, makePlaces, type PublicPorts, portWishes } from "./places.ts";
import { choosePorts } from "./ports.ts";
import { type Programs, servicePrograms } from "./programs.ts";
import { makePublication, type Publication } from "./publication.ts";
import { readSpec, type SpecSource } from "./spec/read-spec.ts";
import { openStateFolder, type StateFolder } from "./state/folder.ts";
import type { Child, Launch } from "./supervisor/child.ts";
import { nodeFlags } from "./supervisor/node-flags.ts";
import { makeSupervisor, type Supervisor } from "./supervisor/supervisor.ts";
import { warmUp } from "./warm-up/warm-up.ts";

/** The document that describes the fleet when nothing else is said. */
const defaultSpecFile = fileURLToPath(new URL("../shardset.yaml", import.meta.url));

/** What to run, and where. */
export interface FleetOptions {
  /** The folder that the fleet's state lives in; made when it is not there. */
  readonly state: string;
  /** What is wanted, as one would write it in YAML. Left out: `specFile`. */
  readonly spec?: unknown;
  /** A YAML file; left out: dev/shardset.yaml. */
  readonly specFile?: string;
  /** Over those of the spec; 0 takes any free one. */
  readonly ports?: PublicPorts;
  /** Where lines of the processes go; left out: nowhere. */
  readonly output?: LineTarget;
  /** Whether to make a demo guild, people and bot; left out: yes. */
  readonly withDemo?: boolean;
  /** Stops a start that is under way. */
  readonly signal?: AbortSignal;
  /** How long the processes may take to be ready; left out: 90 s. */
  readonly startTimeoutMs?: number;
  /** Main files to run; left out: the services of this checkout. */
  readonly programs?: Programs;
}

/** A running fleet; disposing stops it in order. */
export interface Fleet extends AsyncDisposable {
  /** How to reach it now; also in endpoints.json. */
  readonly endpoints: Endpoints;
  readonly spec: ShardSet;
  /** The state folder. */
  readonly state: string;
  /** The RPC address of a process. */
  addressOf(name: string): string;
  /** Sends a process a signal, SIGKILL if none is said. Resolves when it has ended, at once for signals that pause. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Stops a process in order and keeps it stopped, until `start`. */
  stop(name: string): Promise<void>;
  /** Starts a stopped process; resolves when it is ready. */
  start(name: string): Promise<void>;
  /** Stops a process in order and starts it; resolves when it is ready. */
  restart(name: string): Promise<void>;
  /** Resolves when a process is ready, or all are. */
  whenReady(name?: string): Promise<void>;
}

/** Starts a fleet on this machine; resolves when it is ready and endpoints.json is written. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { signal } = options;
  const spec = await readSpec(sourceOf(options), signal);
  checkVersion(spec);
  const wanted = plan(spec);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openStateFolder(resolve(options.state), signal));
  rmSync(folder.file("endpoints.json"), { force: true });
  const { endpoints } = spec.spec;
  const wishes = portWishes(wanted, options.ports ?? { api: endpoints.apiPort, gateway: endpoints.gatewayPort });
  const ports = await choosePorts(endpoints.host, wishes);
  const output = outputOf(options, spec, wanted);
  const front = stack.use(await openGatewayFront(endpoints.host, ports, output));
  if (options.programs === undefined) await warmUp(signal);
  const places = makePlaces({ endpoints, ports, sockets: folder.sockets, folderOf: folder.folderOf });
  const publication = stack.adopt(makePublication(folder, places, namesOf(wanted), output), (it) => it.withdraw());
  const supervisor = makeSupervisor({
    fleet: wanted,
    launch: launcher(places, options.programs ?? servicePrograms()),
    output,
    onSpawn: noteSpawn(folder, output),
    onReady: (name) => {
      const endpoint = endpointOf(wanted, places, supervisor.children, name);
      publication.update(endpoint);
      const child = supervisor.children.get(name);
      if (endpoint?.service === gatewayPart && child !== undefined) front.add(child);
    },
    onGone: (name) => front.remove(name),
    onMessage: (name, message) => front.heard(name, message),
  });
  const killNow = () => supervisor.killNow();
  process.on("exit", killNow);
  stack.defer(() => {
    process.off("exit", killNow);
  });
  stack.defer(() => supervisor.stop());
  // Before the gateways are stopped: they are not to wait for clients to come back.
  stack.defer(() => front.close());
  await supervisor.start({ timeoutMs: options.startTimeoutMs ?? 90_000, signal });
  publication.open(options.withDemo === false ? undefined : await makeDemo(demoErrand(folder, places), signal));
  signal?.throwIfAborted();
  return handle(stack.move(), { spec, folder, places, supervisor, publication });
}

const gatewayPart: Part = "gateway";

function openGatewayFront(host: string, ports: ReadonlyMap<string, number>, output: Output): Promise<Front> {
  const onError = ({ message }: Error) =>
    output.say(`connections to the gateways cannot be accepted: ${message}`, "warn");
  return openFront({ host, port: ports.get(gatewayPart) ?? 0, onError });
}

function namesOf({ workloads }: Plan): string[] {
  return workloads.flatMap(({ instances }) => instances.map(({ name }) => name));
}

function outputOf({ output }: FleetOptions, { spec }: ShardSet, wanted: Plan): Output {
  return output === undefined ? silentOutput : makeOutput(output, spec.log.format, namesOf(wanted));
}

function sourceOf({ spec, specFile }: FleetOptions): SpecSource {
  return spec === undefined ? { file: specFile ?? defaultSpecFile } : { document: spec };
}

function checkVersion({ spec: { version } }: ShardSet): void {
  const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  if (version === undefined || version === own.version) return;
  throw new GuildhallError("BAD_SPEC", `spec.version: must be ${own.version}, the version of this checkout`);
}

function launcher(places: LocalPlaces, programs: Programs) {
  return (instance: Instance): Launch => {
    const planned = environmentOf(instance, places);
    const own = {
      ...planned,
      // Made readable here, once for all: a formatter in each process would cost each its memory.
      GUILDHALL_LOG_FORMAT: "json",
      ...(instance.part === gatewayPart ? { GUILDHALL_WS_FROM_PARENT: "true" } : {}),
    };
    const lasting = Object.entries(own).filter(([name]) => !instance.live.includes(name));
    return {
      program: programs[instance.part],
      nodeFlags: nodeFlags(instance.part),
      environment: childEnvironment(own),
      revision: JSON.stringify(lasting),
    };
  };
}

function noteSpawn(folder: StateFolder, output: Output) {
  return (name: string, pid: number): void => {
    try {
      folder.record(name, pid);
    } catch (error) {
      output.say(`cannot note process ${pid} of ${name}: ${toGuildhallError(error).message}`, "warn");
    }
  };
}

function demoErrand(folder: StateFolder, places: LocalPlaces) {
  return {
    file: folder.file("demo.json"),
    router: places.address("router-0"),
    user: places.address("user-0"),
    coordinator: places.address("coordinator-0"),
  };
}

function endpointOf(
  wanted: Plan,
  places: LocalPlaces,
  children: ReadonlyMap<string, Child>,
  name: string,
): ProcessEndpoint | undefined {
  const child = children.get(name);
  const workload = wanted.workloads.find(({ instances }) => instances.some((instance) => instance.name === name));
  if (child?.pid === undefined || workload === undefined) return undefined;
  const common = { name, service: workload.part, pid: child.pid, metrics: child.ready?.metrics ?? "" };
  return workload.part === gatewayPart ? { ...common, url: places.url(name, "own") } : common;
}

function handle(
  owned: AsyncDisposableStack,
  context: {
    readonly spec: ShardSet;
    readonly folder: StateFolder;
    readonly places: LocalPlaces;
    readonly supervisor: Supervisor;
    readonly publication: Publication;
  },
): Fleet {
  const { spec, folder, places, supervisor, publication } = context;
  const childOf = (name: string): Child => {
    const child = supervisor.children.get(name);
    if (child !== undefined) return child;
    throw new GuildhallError(
      "BAD_CONFIG",
      `no process ${name}: there are ${[...supervisor.children.keys()].join(", ")}`,
    );
  };
  const start = async (name: string): Promise<void> => {
    childOf(name).start();
    await childOf(name).whenReady();
  };
  return {
    spec,
    state: folder.path,
    get endpoints() {
      return publication.endpoints;
    },
    addressOf: (name) => places.address(childOf(name).name),
    kill: async (name, signal = "SIGKILL") => childOf(name).kill(signal),
    stop: async (name) => childOf(name).stop(),
    start,
    async restart(name) {
      await childOf(name).stop();
      await start(name);
    },
    async whenReady(name) {
      const children = name === undefined ? [...supervisor.children.values()] : [childOf(name)];
      await Promise.all(children.map((child) => child.whenReady()));
    },
    async [Symbol.asyncDispose]() {
      publication.withdraw();
      await owned.disposeAsync();
    },
  };
}
