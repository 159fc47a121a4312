import {
  DirectoryKind,
  type DirectoryPut,
  type PutDirectory,
  type DirectoryEntry as WireEntry,
} from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import type { DirectoryEntry } from "../store/directory.ts";
import { badRequest, checked } from "./convert.ts";

const maxKeyLength = 100;

/** Puts directory entries where there are none. */
export async function putDirectory({ directory }: DataContext, { entries }: PutDirectory): Promise<DirectoryPut> {
  const held = await directory.put(entries.map(toEntry));
  return { entries: held.map(fromEntry) };
}

function toEntry({ key, topic, cell }: WireEntry): DirectoryEntry {
  const isKnown =
    key?.kind === DirectoryKind.DIRECTORY_KIND_CHANNEL || key?.kind === DirectoryKind.DIRECTORY_KIND_INVITE;
  if (!isKnown || key.key === "" || key.key.length > maxKeyLength) throw badRequest("not a key of the directory");
  return { kind: key.kind, key: key.key, topic: checked(topic, "topic"), cell };
}

/** An entry on the wire. */
export function fromEntry({ kind, key, topic, cell }: DirectoryEntry): WireEntry {
  return { key: { kind: kind as DirectoryKind, key }, topic, cell };
}
