import { join } from "node:path";
import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import { type Clock, type Running, systemClock, systemTimers, type Timers } from "@guildhall/lifecycle";
import { type DataReply, type DataRequest, DataServiceService } from "@guildhall/proto";
import { createRpcServer, serveExchange } from "@guildhall/rpc";
import { createTelemetry, type Spans } from "@guildhall/telemetry";
import { makeBackUp } from "./backup.ts";
import type { DataConfig } from "./config.ts";
import { type DataEvents, type EngineName, makeDataEvents, showGauges } from "./events.ts";
import { makePages } from "./pages/pages.ts";
import { answer } from "./rpc/exchange.ts";
import { readReports } from "./sqlite/replace-file.ts";
import type { SalvageReport } from "./sqlite/salvage-report.ts";
import { verifyDatabases } from "./sqlite/verification.ts";
import { makeSqliteDirectory } from "./store/directory-sqlite.ts";
import { makeSqliteJournal } from "./store/journal-sqlite.ts";
import { makeSqliteStore } from "./store/store-sqlite.ts";
import { startUpkeep } from "./upkeep.ts";

/** What a running data process tells its owner, and what tests may replace. */
export interface DataServiceOptions {
  /** A database turned out damaged, or was replaced by one of another version, after the start: the process must end. */
  onFatal(error: GuildhallError): void;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

const engineNames = ["journal", "store", "directory"] as const;
const inFlight = 50_000;
const reopenMs = 1_000;

/**
 * Starts the data process. A database that cannot be opened now (disk full, folder not writable) is tried again while
 * the others serve; one that never will be (damaged, another version) rejects the start.
 */
export async function createDataService(config: DataConfig, options: DataServiceOptions): Promise<Running> {
  const { clock = systemClock, timers = systemTimers } = options;
  await using stack = new AsyncDisposableStack();
  const telemetry = stack.use(await createTelemetry({ service: "data", ...config }));
  const events = makeDataEvents(telemetry.log, telemetry.metrics, clock.monotonicMs);
  let started = false;
  const onFatal = (error: GuildhallError): void => {
    if (started) options.onFatal(error);
  };
  const folder = config.stateDir;
  const shared = (engine: EngineName) => ({
    folder,
    onFatal,
    onSalvaged: (report: SalvageReport) => events.engineSalvaged(engine, report),
  });
  const journal = stack.use(makeSqliteJournal({ ...shared("journal"), onCommitted: events.journalCommitted }));
  const store = stack.use(makeSqliteStore({ ...shared("store"), onCommitted: events.storeCommitted }));
  const directory = stack.use(makeSqliteDirectory(shared("directory")));
  const pages = makePages({ store, events, cacheBytes: config.pageCacheBytes });
  stack.use(
    showGauges(telemetry.metrics, {
      journalQueued: () => journal.queued,
      storeQueued: () => store.queued,
      cachedChannels: () => pages.channels,
      cachedBytes: () => pages.sizeBytes,
    }),
  );
  const opening = stack.use(await openEngines({ journal, store, directory }, events, timers));
  const upkeep = stack.use(startUpkeep(config, { journal, store, clock, timers, events }));

  const backUp = stack.use(makeBackUp(folder, upkeep, timers));
  const context = { journal, store, directory, pages, events, backUp };
  const exchange = serveExchange<DataRequest, DataReply>({
    handle: (request) => traced(telemetry, request, () => answer(context, request)),
    limit: { inFlight },
    onError: (error, request) => events.requestFailed(request.body?.$case ?? "none", error),
    metrics: telemetry.metrics,
  });
  const server = stack.use(
    await createRpcServer({ address: config.listen, services: [[DataServiceService, { exchange }]] }),
  );
  started = true;
  stack.use(verifyLargeDatabases(folder, onFatal));
  // The journal alone decides: messages flow without the store, and reads say themselves that they cannot be answered.
  telemetry.setReady(
    () => (opening.isOpen("journal") ? true : { journal: "not open" }),
    () => salvageNotes(folder),
  );
  const owned = stack.move();
  return {
    address: server.address,
    metricsUrl: telemetry.metricsUrl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Damage that is found now ends the process: nobody knows what else would be read wrongly. */
function verifyLargeDatabases(folder: string, onFatal: (error: GuildhallError) => void): AsyncDisposable {
  const asks = engineNames.map((kind) => ({ kind, path: join(folder, `${kind}.db`) }));
  return verifyDatabases(asks, (damage) => onFatal(new GuildhallError("INTERNAL", `damaged database: ${damage}`)));
}

/** What is said of databases that were salvaged, until their reports are taken away. */
function salvageNotes(folder: string): Record<string, string> {
  const notes: Record<string, string> = {};
  for (const engine of engineNames) {
    const report = readReports(join(folder, `${engine}.db`)).at(-1);
    if (report !== undefined)
      notes[engine] = `was damaged and salvaged, ${report.lostCount} lost: see ${report.report}`;
  }
  return notes;
}

/** Runs the work on a request under a span, when it belongs to a trace. */
async function traced<T>(spans: Spans, { traceparent, body }: DataRequest, work: () => Promise<T>): Promise<T> {
  if (traceparent === "") return work();
  const span = spans.startSpan(`data ${body?.$case}`, traceparent);
  try {
    return await work();
  } catch (error) {
    span.recordError(error);
    throw error;
  } finally {
    span.end();
  }
}

interface Opening extends Disposable {
  isOpen(engine: EngineName): boolean;
}

/** Opens the databases. Those that cannot be opened now are tried again until they are. */
async function openEngines(
  engines: Readonly<Record<EngineName, { open(before?: Promise<unknown>): Promise<void> }>>,
  events: DataEvents,
  timers: Timers,
): Promise<Opening> {
  const open = new Set<EngineName>();
  const waits = new Map<EngineName, Disposable>();
  let closed = false;
  const attempt = async (engine: EngineName, before?: Promise<unknown>): Promise<unknown> => {
    try {
      await engines[engine].open(before);
      open.add(engine);
      events.engineOpened(engine);
      return undefined;
    } catch (error) {
      events.engineUnavailable(engine, error);
      if (!closed)
        waits.set(
          engine,
          timers.after(reopenMs, () => void attempt(engine)),
        );
      return error;
    }
  };
  const dispose = (): void => {
    closed = true;
    for (const wait of waits.values()) wait[Symbol.dispose]();
  };
  // One that has to be salvaged is made of what the one before it has, too.
  const journal = attempt("journal");
  const store = attempt("store", journal);
  const failures = await Promise.all([journal, store, attempt("directory", store)]);
  const final = failures.find((error) => error !== undefined && !(isGuildhallError(error) && error.shouldRetry()));
  if (final !== undefined) {
    dispose();
    throw final;
  }
  return { isOpen: (engine) => open.has(engine), [Symbol.dispose]: dispose };
}
