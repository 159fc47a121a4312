import type { BusItem } from "@guildhall/proto";
import type { Random } from "../engine/random.ts";
import type { CommitPlan, EngineWeather } from "../model/engines.ts";
import type { JournalOp } from "../model/journal-disk.ts";

/** How slow and how faulty engines and bus are now; faults change it and put it back. */
export interface Weather extends EngineWeather {
  /** Mean of a journal commit. */
  commitMs: number;
  /** How often a commit fails, certainly or with an unknown outcome. */
  failChance: number;
  unknownChance: number;
  storeMs: number;
  storeFails: boolean;
  directoryFails: boolean;
  coordinatorStoreFails: boolean;
  readsFail: boolean;
  /** How often an item is lost on the bus. */
  busLoss: number;
  /** Loses items that it picks. */
  loser: ((item: BusItem) => boolean) | undefined;
  /** How long after it was asked for a subscription begins. */
  subscribeMs: number;
  /** Holds commits that it picks, until the promise it gives resolves. */
  holder: ((group: readonly JournalOp[]) => Promise<void> | undefined) | undefined;
  losesItem(item: BusItem): boolean;
  /** Makes it fine again. */
  clear(): void;
}

const fine = {
  commitMs: 2,
  failChance: 0,
  unknownChance: 0,
  storeMs: 3,
  storeFails: false,
  directoryFails: false,
  coordinatorStoreFails: false,
  readsFail: false,
  busLoss: 0,
  subscribeMs: 0,
};

/** Makes fine weather. */
export function makeWeather(random: Random): Weather {
  const commits = random.fork("commits");
  const stores = random.fork("stores");
  const bus = random.fork("bus");
  const weather: Weather = {
    ...fine,
    holder: undefined,
    loser: undefined,
    journal(): CommitPlan {
      const ms = 0.3 + commits.exponential(weather.commitMs);
      const part = commits.next();
      const luck = commits.next();
      const times = { beforeMs: ms * part, afterMs: ms * (1 - part) };
      if (luck < weather.failChance) return { ...times, is: "failed" };
      if (luck < weather.failChance + weather.unknownChance) {
        return { ...times, is: "unknown", lands: commits.chance(0.5) };
      }
      return { ...times, is: "fine" };
    },
    store: () => ({ ms: 0.3 + stores.exponential(weather.storeMs), fails: weather.storeFails }),
    directory: () => ({ ms: 0.3 + stores.exponential(1), fails: weather.directoryFails }),
    readMs: () => 0.1 + stores.exponential(0.2),
    readFails: () => weather.readsFail,
    hold: (group) => weather.holder?.(group),
    losesItem: (item) => weather.loser?.(item) ?? (weather.busLoss > 0 && bus.chance(weather.busLoss)),
    clear: () => void Object.assign(weather, fine),
  };
  return weather;
}
