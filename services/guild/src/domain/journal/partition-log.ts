import type { EpochKey, EpochRow } from "@guildhall/slots";
import type { JournalRecord } from "../ports.ts";

/**
 * One entry of a partition. `writer` is the incarnation that wrote it, `stamp` its number there: of one writer's entries
 * in a partition those count that come in the order of their stamps, and of what comes after a later one readers know
 * nothing. A copy puts an EPOCH in force that was decided in another partition.
 */
export type LogEntry = { readonly writer: string; readonly stamp: bigint } & LogContent;

/** What an entry says. */
export type LogContent =
  | { readonly is: "record"; readonly record: JournalRecord }
  | { readonly is: "epoch"; readonly row: EpochRow; readonly prev: EpochKey | undefined }
  | { readonly is: "copy"; readonly row: EpochRow };

/** Entries of a partition from the offset that was asked for; `end` is the offset that the next entry will have. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly end: bigint;
}

/** A log that takes whatever it is sent: durable, in order within a partition, without a look at who writes. */
export interface PartitionLog {
  /** How many there are, for ever: a power of two. */
  readonly partitions: number;
  /**
   * Writes entries together, one after the other, or none of them; gives the offset of the first. Rejects within bounded
   * time: with JOURNAL_UNAVAILABLE when they certainly are not written and never will be, with anything else when they
   * may have been or may yet be.
   */
  produce(partition: number, entries: readonly LogEntry[]): Promise<bigint>;
  /** At most `limit` entries; shows what every produce that was answered before has written. */
  read(partition: number, from: bigint, limit: number): Promise<LogPage>;
}
