import type { Log, Metrics } from "@guildhall/telemetry";
import type { AppendAnswer } from "./domain/append.ts";
import type { PageEvents } from "./pages/pages.ts";
import type { SalvageReport } from "./sqlite/salvage-report.ts";

/** The databases of this process. */
export type EngineName = "journal" | "store" | "directory";

/** Everything that the service counts and logs. */
export interface DataEvents extends PageEvents {
  journalCommitted(group: { readonly records: number; readonly seconds: number }): void;
  storeCommitted(group: { readonly rows: number; readonly seconds: number }): void;
  appendAnswered(answers: readonly AppendAnswer[]): void;
  applyFenced(): void;
  /** Rows that no database can hold were applied by leaving them out. */
  rowsLeftOut(rows: number): void;
  engineOpened(engine: EngineName): void;
  engineUnavailable(engine: EngineName, error: unknown): void;
  /** A damaged database was replaced by what was left of it. */
  engineSalvaged(engine: EngineName, report: SalvageReport): void;
  requestFailed(request: string, error: unknown): void;
  journalTrimmed(records: number): void;
  tombstonesForgotten(rows: number): void;
  upkeepFailed(work: string, error: unknown): void;
}

/** What is read when the metrics are. */
export interface DataGauges {
  readonly journalQueued: () => number;
  readonly storeQueued: () => number;
  readonly cachedChannels: () => number;
  readonly cachedBytes: () => number;
}

const groupSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];
/** The report has the others. */
const loggedLines = 200;
/** The same failure is logged this often at most. */
const logEveryMs = 5_000;

/** Makes the events; all metrics are there from the start. */
export function makeDataEvents(log: Log, metrics: Metrics, nowMs: () => number): DataEvents {
  const journalSeconds = metrics.histogram("journal_commit_seconds", "A journal transaction, fsync included.");
  const journalGroup = metrics.histogram("journal_group_records", "Records in one commit.", { buckets: groupSizes });
  const storeSeconds = metrics.histogram("store_commit_seconds", "A store transaction.");
  const storeGroup = metrics.histogram("store_group_rows", "Rows in one commit.", { buckets: groupSizes });
  const answers = metrics.counter("journal_answers_total", "Answers to appended records.", ["answer"]);
  const fenced = metrics.counter("store_fenced_total", "Batches refused for a lower epoch.");
  const leftOut = metrics.counter("store_left_out_rows_total", "Rows with an id that no database can hold.");
  const up = metrics.gauge("engine_up", "Whether a database has been opened.", ["engine"]);
  const lost = metrics.gauge("engine_lost", "What is gone of a database that was salvaged: see its report.", [
    "engine",
  ]);
  const failures = metrics.counter("request_failures_total", "Requests answered with a failure.", ["request"]);
  const trimmed = metrics.counter("journal_trimmed_records_total", "Records deleted from the journal.");
  const forgotten = metrics.counter("store_forgotten_rows_total", "Deleted rows forgotten by the store.");
  const requested = metrics.counter("page_requests_total", "Pages of history asked for.");
  const queried = metrics.counter("page_queries_total", "Pages that were read from the store.");
  const memory = metrics.counter("page_memory_total", "Pages made from the newest messages in memory.");
  const shared = metrics.counter("page_shared_total", "Pages that another asker's page answered.");
  for (const engine of ["journal", "store", "directory"]) up.set({ engine }, 0);
  for (const answer of ["stored", "fenced", "gap"]) answers.inc({ answer }, 0);
  const seldom = makeSeldom(nowMs);

  return {
    journalCommitted({ records, seconds }) {
      journalSeconds.observe(seconds);
      journalGroup.observe(records);
    },
    storeCommitted({ rows, seconds }) {
      storeSeconds.observe(seconds);
      storeGroup.observe(rows);
    },
    appendAnswered(given) {
      for (const { kind } of given) answers.inc({ answer: kind });
    },
    applyFenced: () => fenced.inc(),
    rowsLeftOut(rows) {
      leftOut.inc(rows);
      if (rows > 0 && seldom("left out")) log.warn({ rows }, "rows with impossible ids were left out of the store");
    },
    engineOpened(engine) {
      up.set({ engine }, 1);
      log.info({ engine }, "database opened");
    },
    engineUnavailable(engine, error) {
      if (seldom(engine)) log.warn({ engine, err: error }, "database cannot be opened");
    },
    engineSalvaged(engine, { lost: lines, lostCount, ...report }) {
      lost.set({ engine }, lostCount);
      log.error({ engine, ...report, lostCount }, "a damaged database was salvaged");
      for (const line of lines.slice(0, loggedLines)) log.error({ engine }, `lost: ${line}`);
    },
    requestFailed(request, error) {
      failures.inc({ request });
      if (seldom(`request ${request}`)) log.warn({ request, err: error }, "request failed");
    },
    journalTrimmed: (records) => trimmed.inc(records),
    tombstonesForgotten: (rows) => forgotten.inc(rows),
    upkeepFailed(work, error) {
      if (seldom(`upkeep ${work}`)) log.warn({ work, err: error }, "upkeep failed");
    },
    pageRequested: () => requested.inc(),
    pageQueried: () => queried.inc(),
    pageFromMemory: () => memory.inc(),
    pageShared: () => shared.inc(),
  };
}

/** Shows what changes too often to be counted one by one. */
export function showGauges(metrics: Metrics, gauges: DataGauges): Disposable {
  const journalQueued = metrics.gauge("journal_queued_records", "Records that wait for the next commit.");
  const storeQueued = metrics.gauge("store_queued_rows", "Rows that wait for the next commit.");
  const channels = metrics.gauge("page_cache_channels", "Channels in memory.");
  const bytes = metrics.gauge("page_cache_bytes", "Messages and pages in memory.");
  return metrics.beforeRead(() => {
    journalQueued.set(gauges.journalQueued());
    storeQueued.set(gauges.storeQueued());
    channels.set(gauges.cachedChannels());
    bytes.set(gauges.cachedBytes());
  });
}

/** Says whether something may be logged again; remembers a bounded number of subjects, as they are all known here. */
function makeSeldom(nowMs: () => number): (subject: string) => boolean {
  const last = new Map<string, number>();
  return (subject) => {
    const before = last.get(subject);
    const now = nowMs();
    if (before !== undefined && now - before < logEveryMs) return false;
    last.set(subject, now);
    return true;
  };
}
