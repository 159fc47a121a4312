import { timestampMsOf } from "@guildhall/snowflake";
import type { DiskEpoch, DiskRecord } from "../model/journal-disk.ts";
import type { Evidence } from "./evidence.ts";

/** What of the journal the checks look at. */
export interface JournalView {
  /** By topic, in the order of the journal. */
  readonly topics: ReadonlyMap<bigint, readonly DiskRecord[]>;
  /** Every EPOCH taken, in order; undefined where the rules of counting leave nothing else to be seen. */
  readonly epochs: readonly DiskEpoch[] | undefined;
}

/** `order`: seqs are contiguous, times and ids rise, epochs do not fall; ids are made once. */
export function checkOrder({ topics }: JournalView, evidence: Evidence): void {
  const ids = new Map<bigint, DiskRecord>();
  for (const [topic, records] of topics) {
    let before: DiskRecord | undefined;
    for (const record of records) {
      const wrong = before === undefined ? firstIsWrong(record) : nextIsWrong(before, record);
      if (wrong !== undefined) {
        evidence.violate("order", `topic ${topic}: ${wrong}`, [describe(before), describe(record)]);
      }
      if (before !== undefined && record.lastId > before.lastId) noteId(ids, record, evidence);
      before = record;
    }
  }
}

function noteId(ids: Map<bigint, DiskRecord>, record: DiskRecord, evidence: Evidence): void {
  const other = ids.get(record.lastId);
  if (other !== undefined) {
    evidence.violate("ids", `id ${record.lastId} was made twice`, [describe(other), describe(record)]);
  }
  ids.set(record.lastId, record);
}

function firstIsWrong(record: DiskRecord): string | undefined {
  return record.seq === 1n ? undefined : `the first record has seq ${record.seq}`;
}

function nextIsWrong(before: DiskRecord, record: DiskRecord): string | undefined {
  if (record.seq !== before.seq + 1n) return `seq ${record.seq} follows ${before.seq}`;
  if (record.ts <= before.ts) return `ts ${record.ts} follows ${before.ts}`;
  if (record.lastId < before.lastId) return `last id ${record.lastId} follows ${before.lastId}`;
  if (record.epoch < before.epoch) return `epoch ${record.epoch} follows ${before.epoch}`;
  return undefined;
}

/** `one owner`: after an EPOCH was taken nothing of a lower one gets in, and one incarnation takes each epoch. */
export function checkOwners({ topics, epochs }: JournalView, evidence: Evidence): void {
  if (epochs === undefined) return;
  for (const [topic, records] of topics) {
    for (const record of records) {
      const owner = ownerAt(epochs, record);
      if (owner === undefined) {
        evidence.violate("one owner", `topic ${topic}: written before anybody took it`, [describe(record)]);
      } else if (owner.epoch !== record.epoch) {
        const what = `topic ${topic}: written at epoch ${record.epoch} when ${owner.incarnation} owned it at ${owner.epoch}`;
        evidence.violate("one owner", what, [describe(record), describeEpoch(owner)]);
      }
    }
  }
}

/** The owner of the record's slot in the moment before it was written. */
function ownerAt(epochs: readonly DiskEpoch[], record: DiskRecord): DiskEpoch | undefined {
  let owner: DiskEpoch | undefined;
  for (const epoch of epochs) {
    if (epoch.after >= record.position) break;
    const { i, n } = epoch.range;
    if ((record.slot & (n - 1)) === i && (owner === undefined || epoch.epoch > owner.epoch)) owner = epoch;
  }
  return owner;
}

const nonceWindowUs = 300_000_000n;

/** `once`: a request id, or an enforced nonce within its time, leads to one record. */
export function checkOnce({ topics }: JournalView, evidence: Evidence): void {
  const requests = new Map<bigint, DiskRecord>();
  const nonces = new Map<string, DiskRecord>();
  for (const records of topics.values()) {
    for (const record of records) {
      const { requestId, nonceKey } = record;
      if (requestId !== 0n) {
        const other = requests.get(requestId);
        if (other !== undefined) {
          evidence.violate("once", `request ${requestId} was done twice`, [describe(other), describe(record)]);
        }
        requests.set(requestId, record);
      }
      if (nonceKey === "") continue;
      const other = nonces.get(nonceKey);
      if (other !== undefined && record.ts - other.ts < nonceWindowUs) {
        evidence.violate("once", `nonce ${nonceKey} was done twice`, [describe(other), describe(record)]);
      }
      nonces.set(nonceKey, record);
    }
  }
}

/** A record for a person. */
export function describe(record: DiskRecord | undefined): string {
  if (record === undefined) return "(none)";
  const { topic, seq, epoch, position, ts, lastId, requestId, nonceKey, atMs } = record;
  const made = requestId === 0n ? "" : ` made ${timestampMsOf(requestId)}`;
  const nonce = nonceKey === "" ? "" : ` nonce ${nonceKey}`;
  return `record at ${position}: topic ${topic} seq ${seq} epoch ${epoch} ts ${ts} last id ${lastId} request ${requestId}${made}${nonce}, durable at ${atMs.toFixed(3)} ms`;
}

function describeEpoch({ range, epoch, incarnation, moveId, atMs, after, split }: DiskEpoch): string {
  const what = split ? "split of " : "";
  return `EPOCH ${what}${range.i}/${range.n}@${epoch} ${incarnation} by ${moveId} after ${after}, at ${atMs.toFixed(3)} ms`;
}
