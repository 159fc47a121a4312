import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { systemTimers } from "@guildhall/lifecycle";
import type { ShardSet } from "@guildhall/operator/api";
import { type Fleet as Plan, plan, type SpecChange } from "@guildhall/operator/plan";
import type { FleetContext } from "./context.ts";
import { openControlServer } from "./control/server.ts";
import { makeVerbs } from "./control/verbs.ts";
import { makeCrew, namesOf } from "./crew.ts";
import { makeDemo } from "./demo/make-demo.ts";
import { makeEdits } from "./edits.ts";
import type { Endpoints } from "./endpoints.ts";
import { makeFleetHandle } from "./fleet-handle.ts";
import { type Front, openFront } from "./front/front.ts";
import { checkVersion, endpointOf, gatewayPart, makeLauncher, noteSpawn, type Relay } from "./launch.ts";
import { type LineTarget, makeOutput, type Output, silentOutput } from "./output/output.ts";
import { type LocalPlaces, makePlaces, type PublicPorts, portWishes } from "./places.ts";
import { choosePorts } from "./ports.ts";
import { type Programs, servicePrograms } from "./programs.ts";
import { makePublication } from "./publication.ts";
import { makeCoordinatorLink } from "./reconcile/coordinator-link.ts";
import { makeOperations } from "./reconcile/operations.ts";
import { makeReconciler } from "./reconcile/reconciler.ts";
import { makeSpecFileWatch } from "./reconcile/spec-file.ts";
import { makeSteward } from "./reconcile/steward.ts";
import { readSpec, type SpecSource } from "./spec/read-spec.ts";
import { openStateFolder, type StateFolder } from "./state/folder.ts";
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
  /** A YAML file, whose edits are followed; left out: dev/shardset.yaml. */
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
  /** What stands between the processes, for who wants to part them; left out: nothing. */
  readonly relay?: Relay;
  /** Main files to run; left out: the services of this checkout. */
  readonly programs?: Programs;
}

/** A running fleet; disposing stops it in order. */
export interface Fleet extends AsyncDisposable {
  /** How to reach it now; also in endpoints.json. */
  readonly endpoints: Endpoints;
  /** The document that was accepted last. */
  readonly spec: ShardSet;
  /** The state folder. */
  readonly state: string;
  /** The RPC address of a process. */
  addressOf(name: string): string;
  /**
   * Takes an edited document over, as saving the file does: whole, or not at all (BAD_SPEC). Resolves with what changed;
   * the fleet follows from then on.
   */
  apply(document: unknown): Promise<readonly SpecChange[]>;
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
  await using stack = new AsyncDisposableStack();
  const source = sourceOf(options);
  // Before the file is read: an edit during the start is followed after it.
  const watch = "file" in source ? stack.use(makeSpecFileWatch({ ...source, timers: systemTimers })) : undefined;
  const document = await readSpec(source, signal);
  checkVersion(document);
  const wanted = plan(document);
  const folder = stack.use(await openStateFolder(resolve(options.state), signal));
  rmSync(folder.file("endpoints.json"), { force: true });
  const { endpoints } = document.spec;
  const publicPorts = options.ports ?? { api: endpoints.apiPort, gateway: endpoints.gatewayPort };
  const ports = new Map(await choosePorts(endpoints.host, portWishes(wanted, publicPorts)));
  const output = outputOf(options, document, wanted);
  if (folder.isPutBack) output.say("a restoration was broken off: the state from before it is put back", "warn");
  const front = stack.use(await openGatewayFront(endpoints.host, ports, output));
  if (options.programs === undefined) await warmUp(signal);
  const places = makePlaces({ endpoints, ports, sockets: folder.sockets, folderOf: folder.folderOf });
  const publication = stack.adopt(makePublication(folder, places, namesOf(wanted), output), (it) => it.withdraw());
  const base = { folder, places, output, publication };
  const supervisor = superviseOn(stack, wanted, {
    ...base,
    front,
    programs: options.programs ?? servicePrograms(),
    relay: options.relay,
  });
  await supervisor.start({ timeoutMs: options.startTimeoutMs ?? 90_000, signal });
  publication.open(options.withDemo === false ? undefined : await makeDemo(demoErrand(folder, places), signal));
  signal?.throwIfAborted();
  const crew = makeCrew(wanted, { supervisor, publication, output, ports, publicPorts });
  const context = driveOn(stack, document, { ...base, supervisor, crew });
  const edits = makeEdits(context);
  if ("file" in source) watch?.begin(edits.follow(source.file));
  stack.use(await openControl(context));
  return makeFleetHandle(stack.move(), context, edits);
}

type Base = Pick<FleetContext, "folder" | "places" | "output" | "publication">;

/** The processes, which stop when the stack is disposed, after the port that their clients came in by. */
function superviseOn(
  stack: AsyncDisposableStack,
  wanted: Plan,
  {
    folder,
    places,
    output,
    publication,
    front,
    programs,
    relay,
  }: Base & { readonly front: Front; readonly programs: Programs; readonly relay: Relay | undefined },
): Supervisor {
  const supervisor = makeSupervisor({
    fleet: wanted,
    launch: makeLauncher(places, programs, relay),
    output,
    onSpawn: noteSpawn(folder, output),
    onReady: (name) => {
      const child = supervisor.children.get(name);
      const part = supervisor.partOf(name);
      publication.update(endpointOf(places, child, part));
      if (part === gatewayPart && child !== undefined) front.add(child);
    },
    onGone: (name) => front.remove(name),
    onClosed: (name) => front.ended(name),
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
  return supervisor;
}

/** What follows the document and obeys the tool, until the stack is disposed. */
function driveOn(
  stack: AsyncDisposableStack,
  document: ShardSet,
  base: Base & Pick<FleetContext, "supervisor" | "crew">,
): FleetContext {
  const stopping = new AbortController();
  const coordinator = stack.use(makeCoordinatorLink(base.places.address("coordinator-0")));
  const operations = makeOperations();
  const common = { ...base, operations, coordinator: () => coordinator.client() };
  const isPaused = (): boolean => reconciler.wishes.spec.paused;
  const steward = makeSteward({ ...common, stopping: stopping.signal, isPaused });
  const reconciler = stack.use(makeReconciler({ ...common, document, steward, timers: systemTimers }));
  stack.defer(() => stopping.abort());
  reconciler.begin();
  return { ...base, operations, coordinator, steward, reconciler };
}

function openControl(context: FleetContext): Promise<AsyncDisposable> {
  const { folder, output } = context;
  return openControlServer({
    path: folder.file("control.sock"),
    sockets: folder.sockets,
    verbs: makeVerbs(context),
    onFault: (verb, { message }) => output.say(`${verb} failed: ${message}`, "warn"),
  });
}

function openGatewayFront(host: string, ports: ReadonlyMap<string, number>, output: Output): Promise<Front> {
  const onError = ({ message }: Error) =>
    output.say(`connections to the gateways cannot be accepted: ${message}`, "warn");
  return openFront({ host, port: ports.get(gatewayPart) ?? 0, onError });
}

function outputOf({ output }: FleetOptions, { spec }: ShardSet, wanted: Plan): Output {
  return output === undefined ? silentOutput : makeOutput(output, spec.log.format, namesOf(wanted));
}

function sourceOf({ spec, specFile }: FleetOptions): SpecSource {
  return spec === undefined ? { file: specFile ?? defaultSpecFile } : { document: spec };
}

function demoErrand(folder: StateFolder, places: LocalPlaces) {
  return {
    file: folder.file("demo.json"),
    router: places.address("router-0"),
    user: places.address("user-0"),
    coordinator: places.address("coordinator-0"),
  };
}
