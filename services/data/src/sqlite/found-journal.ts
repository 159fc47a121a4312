import { type EpochRow, isRange, slotOf } from "@guildhall/slots";
import { isEpochRow } from "./epoch-copy.ts";
import { isAppended } from "./journal-guard.ts";
import type { JournalMark } from "./journal-marks.ts";
import { type Cell, type CellValue, readCells } from "./pages/cells.ts";
import type { PageImages } from "./pages/page-images.ts";

/** A record that is whole, as its row has it. */
export interface FoundRecord {
  readonly position: bigint;
  readonly values: readonly CellValue[];
}

/** A head, as its row has it. */
export interface FoundHead {
  readonly topic: bigint;
  readonly seq: bigint;
  readonly position: bigint;
  readonly values: readonly CellValue[];
}

/** What the pages of a damaged journal hold; records are told one by one. */
export interface FoundJournal {
  readonly heads: ReadonlyMap<bigint, FoundHead>;
  readonly epochs: readonly EpochRow[];
  /** The highest position ever given, as far as it is said. */
  readonly sequence: bigint;
  /** Records that are there but are not what was appended: "position 7 (topic 1, seq 2)". */
  readonly broken: ReadonlySet<string>;
  /** Pages and cells of which something could be read. */
  readonly cells: number;
  readonly damagedCells: number;
}

/** Above any position that a journal can reach: what says so is damaged itself. */
const mostPositions = 1n << 48n;

/**
 * Reads the rows of a journal from all images of its pages, wherever they are: records never change, so that every image
 * tells the truth about those that are whole. `marks` tell which records of unfinished transactions were acked.
 */
export function findJournal(
  images: PageImages,
  marks: readonly JournalMark[],
  onRecord: (record: FoundRecord) => void,
): FoundJournal {
  const acked = new Set(marks.map(({ position, topic, seq }) => `${position}.${topic}.${seq}`));
  const found = new JournalFinder(acked, onRecord);
  for (const { page, bytes, committed } of images.all()) {
    const read = readCells(page, bytes, images.latest);
    if (read === undefined) continue;
    found.damagedCells += read.damaged;
    for (const cell of read.cells) found.take(cell, committed);
  }
  return found;
}

class JournalFinder implements FoundJournal {
  readonly heads = new Map<bigint, FoundHead>();
  readonly epochs: EpochRow[] = [];
  readonly broken = new Set<string>();
  sequence = 0n;
  cells = 0;
  damagedCells = 0;
  readonly #acked: ReadonlySet<string>;
  readonly #onRecord: (record: FoundRecord) => void;

  constructor(acked: ReadonlySet<string>, onRecord: (record: FoundRecord) => void) {
    this.#acked = acked;
    this.#onRecord = onRecord;
  }

  take({ rowid, values }: Cell, committed: boolean): void {
    if (rowid !== undefined && values.length === 10) this.#takeRecord(rowid, values, committed);
    else if (rowid !== undefined && values.length === 8 && committed) this.#takeHead(rowid, values);
    else if (rowid === undefined && values.length === 7 && committed) this.#takeEpoch(values);
    else if (values.length === 2 && values[0] === "records" && committed) this.#takeSequence(values[1]);
  }

  #takeRecord(position: bigint, values: readonly CellValue[], committed: boolean): void {
    const [, topic, seq, , , slot] = values;
    if (typeof topic !== "bigint" || typeof seq !== "bigint" || position <= 0n || position > mostPositions) return;
    if (slot !== BigInt(slotOf(topic)) || (!committed && !this.#acked.has(`${position}.${topic}.${seq}`))) return;
    if (isRecord(values)) {
      this.cells += 1;
      this.#onRecord({ position, values });
    } else this.broken.add(`position ${position} (topic ${topic}, seq ${seq})`);
  }

  #takeHead(topic: bigint, values: readonly CellValue[]): void {
    const [, slot, epoch, seq, lastId, lastTs, position, digest] = values;
    const numbers = [epoch, seq, lastId, lastTs, position];
    if (slot !== BigInt(slotOf(topic)) || !numbers.every((value) => typeof value === "bigint" && value >= 0n)) return;
    if (!(digest instanceof Uint8Array) || (position as bigint) > mostPositions) return;
    this.cells += 1;
    const head = { topic, seq: seq as bigint, position: position as bigint, values };
    if (head.seq >= (this.heads.get(topic)?.seq ?? 0n)) this.heads.set(topic, head);
  }

  #takeEpoch(values: readonly CellValue[]): void {
    const [i, n, split, epoch, host, incarnation, moveId] = values;
    const range = { i: Number(i), n: Number(n) };
    const row = { range, split: split === 1n, epoch: Number(epoch), host, incarnation, moveId };
    if (typeof i !== "bigint" || !isRange(range) || !isEpochRow(row)) return;
    this.cells += 1;
    this.epochs.push(row);
  }

  #takeSequence(value: CellValue | undefined): void {
    if (typeof value !== "bigint" || value > mostPositions) return;
    this.sequence = value > this.sequence ? value : this.sequence;
  }
}

function isRecord(values: readonly CellValue[]): boolean {
  const [, topic, seq, epoch, ts, slot, requestId, nonceKey, hash, bytes] = values;
  if (!(hash instanceof Uint8Array) || !(bytes instanceof Uint8Array)) return false;
  return isAppended({ topic, seq, epoch, ts, slot, request_id: requestId, nonce_key: nonceKey, hash, bytes });
}
