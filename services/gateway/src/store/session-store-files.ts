import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { link, mkdir, open, readdir, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import {
  type Claim,
  type ClaimList,
  type LogHolder,
  type LogPiece,
  type LogPosition,
  type OwnLog,
  originOf,
  type SessionStore,
  type StoredLog,
} from "./session-store.ts";

const folderMode = 0o700;
const fileMode = 0o600;
const holderFile = "holder.json";
const segmentSuffix = ".log";
const tagPattern = /^[0-9a-f]{8}$/;
// A folder's time may stay the same for changes that come this soon after each other.
const timeGrainMs = 1_000;
// A session does not change gateways as often as this.
const maxGenerations = 100_000;

/*
 *   logs/<tag>/holder.json          who writes the log
 *   logs/<tag>/00000001.log         its segments
 *   claims/<origin>/<rest>.<n>      generation n of the session <origin><rest>: the holder's tag
 */

/** A session store in a folder that the gateways of a machine share. */
export class FileSessionStore implements SessionStore {
  readonly #logs: string;
  readonly #claims: string;

  constructor(folder: string) {
    this.#logs = join(folder, "logs");
    this.#claims = join(folder, "claims");
  }

  createLog(holder: LogHolder): OwnLog {
    return new FileLog(this.#logOf(holder.tag), holder);
  }

  async holder(tag: string): Promise<LogHolder | undefined> {
    const path = join(this.#logOf(tag), holderFile);
    const text = await readFile(path, "utf8").catch((error: unknown) => ifMissing(error, undefined));
    return text === undefined ? undefined : parseHolder(tag, text);
  }

  async read(tag: string, from: LogPosition, maxBytes: number): Promise<LogPiece | undefined> {
    const folder = this.#logOf(tag);
    // Listed before it is read: what the segment has once a later one is there is all that it will have.
    const numbers = (await segmentsIn(folder)).filter((number) => number >= from.segment);
    const [segment] = numbers;
    if (segment === undefined) return undefined;
    const offset = segment === from.segment ? from.offset : 0;
    try {
      await using file = await open(join(folder, segmentName(segment)));
      const bytes = Buffer.allocUnsafeSlow(maxBytes);
      let length = 0;
      for (let read = 1; read > 0 && length < maxBytes; length += read) {
        ({ bytesRead: read } = await file.read(bytes, length, maxBytes - length, offset + length));
      }
      const idleMs = Date.now() - (await file.stat()).mtimeMs;
      return { at: { segment, offset }, bytes: bytes.subarray(0, length), hasNext: numbers.length > 1, idleMs };
    } catch (error) {
      // Dropped since it was listed.
      if (isMissing(error)) return this.read(tag, { segment: segment + 1, offset: 0 }, maxBytes);
      throw unavailable(error);
    }
  }

  async logs(): Promise<readonly StoredLog[]> {
    const found: StoredLog[] = [];
    for (const tag of (await namesIn(this.#logs)).filter((name) => tagPattern.test(name))) {
      const last = (await segmentsIn(this.#logOf(tag))).at(-1);
      const path = last === undefined ? this.#logOf(tag) : join(this.#logOf(tag), segmentName(last));
      const writtenMs = (await statOf(path))?.mtimeMs;
      if (writtenMs !== undefined) found.push({ tag, writtenMs, idleMs: Date.now() - writtenMs });
    }
    return found;
  }

  async removeLog(tag: string): Promise<void> {
    await rm(this.#logOf(tag), { recursive: true, force: true });
  }

  async claim({ sessionId, generation, holder }: Omit<Claim, "atMs">): Promise<boolean> {
    const path = this.#claimPath(sessionId, generation);
    const draft = `${path}.${holder}`;
    try {
      await mkdir(join(this.#claims, sessionId.slice(0, 8)), { recursive: true, mode: folderMode });
      await writeFile(draft, holder, { mode: fileMode });
      try {
        // Exclusive as O_EXCL is, and never seen without its contents.
        await link(draft, path);
        return true;
      } finally {
        await unlink(draft);
      }
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw unavailable(error);
    }
  }

  async claims(sessionId: string): Promise<readonly Claim[]> {
    const claims: Claim[] = [];
    for (let generation = 1; generation <= maxGenerations; generation++) {
      const path = this.#claimPath(sessionId, generation);
      const found = await statOf(path);
      if (found === undefined) break;
      const holder = await readFile(path, "latin1").catch((error: unknown) => ifMissing(error, ""));
      claims.push({ sessionId, generation, holder, atMs: found.mtimeMs });
    }
    return claims;
  }

  async claimsOf(origin: string, since: string): Promise<ClaimList | undefined> {
    const folder = join(this.#claims, origin);
    const found = await statOf(folder);
    if (found === undefined) return since === "none" ? undefined : { since: "none", claims: [] };
    const isSettled = Date.now() - found.mtimeMs > timeGrainMs;
    const now = isSettled ? String(found.mtimeMs) : "";
    if (now !== "" && now === since) return undefined;
    const claims = (await namesIn(folder)).flatMap((name) => {
      const [rest = "", generation = "", ...more] = name.split(".");
      const sessionId = origin + rest;
      return more.length === 0 && originOf(sessionId) ? [{ sessionId, generation: Number(generation) }] : [];
    });
    return { since: now, claims };
  }

  async origins(): Promise<readonly string[]> {
    return (await namesIn(this.#claims)).filter((name) => tagPattern.test(name));
  }

  async removeClaims(sessionId: string): Promise<void> {
    const claims = await this.claims(sessionId);
    // The last one first: what is left is still a whole chain.
    for (const { generation } of claims.toReversed()) {
      await unlink(this.#claimPath(sessionId, generation)).catch((error: unknown) => ifMissing(error, undefined));
    }
  }

  #logOf(tag: string): string {
    if (!tagPattern.test(tag)) throw new GuildhallError("INTERNAL", "a log's tag is 8 hexadecimal digits");
    return join(this.#logs, tag);
  }

  #claimPath(sessionId: string, generation: number): string {
    const origin = originOf(sessionId);
    if (origin === undefined) throw new GuildhallError("INTERNAL", "a session's id is 40 hexadecimal digits");
    return join(this.#claims, origin, `${sessionId.slice(8)}.${generation}`);
  }
}

/** The log of this process: one file is open, the last segment's. */
class FileLog implements OwnLog {
  readonly #folder: string;
  readonly #holder: LogHolder;
  #file: number | undefined;

  constructor(folder: string, holder: LogHolder) {
    this.#folder = folder;
    this.#holder = holder;
  }

  begin(segment: number, header: Uint8Array): void {
    this[Symbol.dispose]();
    try {
      // Also when somebody has removed it in the meantime, as a dead one's.
      mkdirSync(this.#folder, { recursive: true, mode: folderMode });
      sayHolder(join(this.#folder, holderFile), this.#holder);
      this.#file = openSync(join(this.#folder, segmentName(segment)), "wx", fileMode);
    } catch (error) {
      throw unavailable(error);
    }
    this.append(header);
  }

  append(bytes: Uint8Array): void {
    if (this.#file === undefined) throw new GuildhallError("STORE_UNAVAILABLE", "no segment has begun");
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      throw unavailable(error);
    }
  }

  async drop(segment: number): Promise<void> {
    await unlink(join(this.#folder, segmentName(segment))).catch((error: unknown) => ifMissing(error, undefined));
  }

  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Writes who has the log, once: others may read it at any time. */
function sayHolder(path: string, holder: LogHolder): void {
  try {
    writeFileSync(path, JSON.stringify(holder), { mode: fileMode, flag: "wx" });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** A process that died while it said who it is has written no log either. */
function parseHolder(tag: string, text: string): LogHolder | undefined {
  try {
    const { name, address } = JSON.parse(text) as LogHolder;
    return { tag, name, address };
  } catch {
    return undefined;
  }
}

function segmentName(segment: number): string {
  return `${String(segment).padStart(8, "0")}${segmentSuffix}`;
}

/** The numbers of the segments of a log, ascending. */
async function segmentsIn(folder: string): Promise<number[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith(segmentSuffix));
  return names.map((name) => Number(name.slice(0, -segmentSuffix.length))).sort((a, b) => a - b);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => ifMissing<string[]>(error, []));
}

async function statOf(path: string) {
  return stat(path).catch((error: unknown) => ifMissing(error, undefined));
}

function ifMissing<T>(error: unknown, value: T): T {
  if (isMissing(error)) return value;
  throw unavailable(error);
}

function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | undefined)?.code;
}

function unavailable(cause: unknown): GuildhallError {
  return new GuildhallError("STORE_UNAVAILABLE", "the session store failed", { cause });
}
