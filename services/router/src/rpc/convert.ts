import type { CoordinatorServiceWatchMapResponse, Opened } from "@guildhall/proto";
import type { MapEntry, MapUpdate } from "@guildhall/slots";

/** The coordinator's map as the router keeps it. */
export function toMapUpdate({ version, entries }: CoordinatorServiceWatchMapResponse): MapUpdate {
  return {
    version: Number(version),
    entries: entries.flatMap(({ range, ...entry }) => (range === undefined ? [] : [{ range, ...entry }])),
  };
}

/** A host's announcement as an entry of the map. */
export function toMapEntry({ i, n, ...owner }: Opened): MapEntry {
  return { range: { i, n }, ...owner };
}
