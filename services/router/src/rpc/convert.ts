import type { Opened } from "@guildhall/proto";
import type { MapEntry } from "@guildhall/slots";

/** A host's announcement as an entry of the map. */
export function toMapEntry({ i, n, ...owner }: Opened): MapEntry {
  return { range: { i, n }, ...owner };
}
