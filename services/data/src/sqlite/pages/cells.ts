/** What a column holds; SQLite's NULL is null, and all its integers are bigint. */
export type CellValue = bigint | number | string | Uint8Array | null;

/** A row of a table, or an entry of an index (of which a table WITHOUT ROWID is one). */
export interface Cell {
  /** Of tables with row ids. */
  readonly rowid: bigint | undefined;
  readonly values: readonly CellValue[];
}

/** The cells of a page that can be read. */
export interface PageCells {
  readonly cells: readonly Cell[];
  /** Pages below this one, in order; undefined on leaves. */
  readonly children: readonly number[] | undefined;
  /** Cells that cannot be read. */
  readonly damaged: number;
}

const interiorIndex = 0x02;
const interiorTable = 0x05;
const leafIndex = 0x0a;
const leafTable = 0x0d;
const fileHeaderBytes = 100;
const maxPayloadBytes = 64 * 1024 * 1024;

/** Reads a page of a b-tree; undefined when it is none (free, overflow, or damaged beyond its first bytes). */
export function readCells(
  page: number,
  bytes: Buffer,
  overflow: (page: number) => Buffer | undefined,
): PageCells | undefined {
  const header = page === 1 ? fileHeaderBytes : 0;
  const type = bytes[header] as number;
  const isInterior = type === interiorIndex || type === interiorTable;
  if (!isInterior && type !== leafIndex && type !== leafTable) return undefined;
  const count = bytes.readUInt16BE(header + 3);
  const pointers = header + (isInterior ? 12 : 8);
  if (pointers + 2 * count > bytes.length) return undefined;
  const cells: Cell[] = [];
  const children: number[] = [];
  let damaged = 0;
  for (let index = 0; index < count; index += 1) {
    const at = bytes.readUInt16BE(pointers + 2 * index);
    try {
      if (isInterior) children.push(bytes.readUInt32BE(at));
      if (type === interiorTable) continue;
      cells.push(readCell(bytes, isInterior ? at + 4 : at, type === leafTable, overflow));
    } catch {
      damaged += 1;
    }
  }
  if (isInterior) children.push(bytes.readUInt32BE(header + 8));
  return { cells, children: isInterior ? children : undefined, damaged };
}

/** Throws on whatever cannot be a cell. */
function readCell(page: Buffer, start: number, isTable: boolean, overflow: (page: number) => Buffer | undefined): Cell {
  const [size, afterSize] = readVarint(page, start);
  const length = Number(size);
  if (length > maxPayloadBytes) throw new RangeError("no payload is so long");
  let at = afterSize;
  let rowid: bigint | undefined;
  if (isTable) [rowid, at] = readVarint(page, at);
  const local = localBytes(length, page.length, isTable);
  if (at + local > page.length) throw new RangeError("the payload goes over the page");
  const parts = [page.subarray(at, at + local)];
  let missing = length - local;
  for (let next = missing === 0 ? 0 : page.readUInt32BE(at + local); missing > 0; ) {
    const more = next === 0 ? undefined : overflow(next);
    if (more === undefined) throw new RangeError("a part of the payload is missing");
    const taken = Math.min(missing, more.length - 4);
    parts.push(more.subarray(4, 4 + taken));
    missing -= taken;
    next = more.readUInt32BE(0);
  }
  return {
    rowid: rowid === undefined ? undefined : BigInt.asIntN(64, rowid),
    values: readRecord(Buffer.concat(parts)),
  };
}

function localBytes(length: number, usable: number, isTable: boolean): number {
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (length <= most) return length;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const kept = least + ((length - least) % (usable - 4));
  return kept <= most ? kept : least;
}

function readRecord(payload: Buffer): CellValue[] {
  const [headerSize, start] = readVarint(payload, 0);
  const header = Number(headerSize);
  if (header > payload.length) throw new RangeError("the header goes over the payload");
  const values: CellValue[] = [];
  let body = header;
  for (let at = start; at < header; ) {
    const [type, next] = readVarint(payload, at);
    at = next;
    const [value, bytes] = readValue(payload, body, Number(type));
    values.push(value);
    body += bytes;
  }
  if (body !== payload.length) throw new RangeError("the payload has another length than its columns");
  return values;
}

const intBytes = [0, 1, 2, 3, 4, 6, 8];

function readValue(payload: Buffer, at: number, type: number): [CellValue, number] {
  if (type === 0) return [null, 0];
  if (type === 8 || type === 9) return [BigInt(type - 8), 0];
  if (type === 7) return [payload.readDoubleBE(at), 8];
  if (type < 7) {
    const bytes = intBytes[type] as number;
    return [bytes === 8 ? payload.readBigInt64BE(at) : BigInt(payload.readIntBE(at, bytes)), bytes];
  }
  if (type < 12) throw new RangeError("no type of a column");
  const bytes = (type - (type % 2 === 0 ? 12 : 13)) / 2;
  if (at + bytes > payload.length) throw new RangeError("the column goes over the payload");
  const part = payload.subarray(at, at + bytes);
  return [type % 2 === 0 ? Buffer.from(part) : part.toString("utf8"), bytes];
}

/** A varint and where it ends. */
function readVarint(bytes: Buffer, start: number): [bigint, number] {
  let value = 0n;
  for (let index = 0; index < 9; index += 1) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new RangeError("a number goes over the end");
    if (index === 8) return [(value << 8n) | BigInt(byte), start + 9];
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return [value, start + index + 1];
  }
  throw new RangeError("unreachable");
}
