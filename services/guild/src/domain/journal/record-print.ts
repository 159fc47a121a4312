import { Record as JournalEntry } from "@guildhall/proto";
import type { JournalRecord } from "../ports.ts";

/** A number of 53 bits from a record's bytes: tells two records of one writer at the same (topic, epoch, seq) apart. */
export function printOf(record: JournalRecord): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (const byte of JournalEntry.encode(record).finish()) {
    low = Math.imul(low ^ byte, 0x9e3779b1);
    high = Math.imul(high ^ byte, 0x5f356495);
  }
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) ^ Math.imul(high ^ (high >>> 13), 0xc2b2ae35);
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b) ^ Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}
