import { answer, type DataContext, makePages, trimJournal } from "@guildhall/data/answer";
import { GuildhallError } from "@guildhall/errors";
import type { SimProcess } from "../engine/sim-process.ts";
import { type EngineWeather, makeSimDirectory, makeSimJournal, makeSimStore } from "../model/engines.ts";
import type { JournalDisk } from "../model/journal-disk.ts";
import type { StoreDisk } from "../model/store-disk.ts";
import { dataCodec } from "../network/codecs.ts";
import { serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

/** What a data process leaves behind when it dies. */
export interface DataDisk {
  readonly journal: JournalDisk;
  readonly store: StoreDisk;
  readonly directory: Map<string, { readonly topic: bigint; readonly cell: number }>;
}

const upkeepMs = 30_000;
// Shorter than what requests are remembered for: that is what holds the journal then.
const keepMs = 60_000;
const cacheBytes = 4 * 1024 * 1024;
// Nobody counts here.
const ignore = (): void => {};
const events = new Proxy({} as DataContext["events"], { get: () => ignore });

/** Starts `data` on its disk: the real answers over simulated engines. */
export function startData(
  network: Network,
  process: SimProcess,
  { address, disk, weather }: { readonly address: string; readonly disk: DataDisk; readonly weather: EngineWeather },
): void {
  const store = makeSimStore(process, disk.store, weather);
  const context: DataContext = {
    journal: makeSimJournal(process, disk.journal, weather),
    store,
    directory: makeSimDirectory(process, disk.directory, weather),
    pages: makePages({ store, events, cacheBytes }),
    events,
    backUp: () => Promise.reject(new GuildhallError("INTERNAL", "nothing is backed up here")),
  };
  process.timers.every(upkeepMs, () => {
    // What cannot be trimmed now is trimmed the next time.
    trimJournal({ journal: context.journal, store, clock: process.clock }, keepMs).catch(() => {});
  });
  network.listen(address, process, {
    exchange: serveSimExchange((request) => answer(context, request), dataCodec),
  });
}
