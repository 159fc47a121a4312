import type { CoordinatorServiceWatchMapResponse } from "@guildhall/proto";
import type { MapDelta, ShardMap } from "@guildhall/slots";

/** Where a published map goes. */
export type MapSink = Pick<ShardMap, "version" | "applyDelta">;

/** What a message of the map's stream did; `again` = its stream tells nothing more that can be used: open another. */
export type MapNews = "changed" | "same" | "again";

/** Brings the messages of the coordinator's WatchMap streams, one stream after the other, into a map. */
export interface MapFollower {
  /** A stream begins: its first message is the whole map. */
  begin(): void;
  take(message: CoordinatorServiceWatchMapResponse): MapNews;
}

/** Makes a follower; it knows no network and no clock. */
export function makeMapFollower(map: MapSink): MapFollower {
  // Whether the stream's last message and the map are the same. Not so where the stream began with an older map.
  let inStep = false;
  return {
    begin() {
      inStep = false;
    },
    take(message) {
      const delta = toMapDelta(message);
      const isWhole = delta.fromVersion === 0;
      if (!isWhole && !inStep && delta.version > map.version) return "again";
      const outcome = map.applyDelta(delta);
      if (outcome === "gap") return "again";
      if (isWhole) inStep = delta.version === map.version;
      return outcome === "applied" ? "changed" : "same";
    },
  };
}

/** A message of the map's stream as a map takes it. */
export function toMapDelta(message: CoordinatorServiceWatchMapResponse): MapDelta {
  return {
    version: Number(message.version),
    fromVersion: Number(message.fromVersion),
    entries: message.entries.flatMap(({ range, ...entry }) => (range === undefined ? [] : [{ range, ...entry }])),
    removed: message.removed,
  };
}
