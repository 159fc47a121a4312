import { isGuildhallError } from "@guildhall/errors";
import type { EpochRecord, SlotRange } from "@guildhall/proto";
import { formatRange, rangeContains, slotOf, splitRange } from "@guildhall/slots";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Fate, ManualLog } from "../../../tests/manual-log.ts";
import { higher } from "../model/bigint-order.ts";
import type { Journal, JournalRecord } from "../ports.ts";
import { type ConfirmingJournal, makeConfirmingJournal } from "./confirming-journal.ts";

const all: SlotRange = { i: 0, n: 1 };
const topics = [0, 1, 2, 3, 5].map((slot) => (65_536n + BigInt(slot)) << 22n);
const fates: readonly Fate[] = ["written", "written", "written", "written", "refused", "unanswered", "late", "lost"];

interface Said {
  readonly record: JournalRecord;
  readonly position: bigint;
  /** The highest that its writer knew of when it first sent it. */
  readonly above: bigint;
}

/**
 * A host in short: sends each record again, as it is, until the journal has settled it, and takes ranges by what it reads.
 * A watermark moves as a host's does: below what is on its way, up to the highest position that it knows.
 */
class Writer {
  readonly name: string;
  readonly journal: ConfirmingJournal;
  readonly #world: World;
  readonly #busy = new Set<bigint>();
  readonly #owned = new Map<string, EpochRecord>();
  #isTaking = false;
  #values = 0n;
  #highest = 0n;

  constructor(name: string, world: World) {
    this.name = name;
    this.#world = world;
    this.journal = makeConfirmingJournal(world.log, { writer: name });
  }

  async write(topic: bigint): Promise<void> {
    const owned = [...this.#owned.values()].find(({ range }) => rangeContains(range as SlotRange, slotOf(topic)));
    if (owned === undefined || this.#busy.has(topic)) return;
    this.#busy.add(topic);
    try {
      const [head] = await this.journal.readHeads([topic]);
      const seq = (head?.seq ?? 0n) + 1n;
      const both = [seq, seq + 1n].map((each) => this.#recordOf(topic, each, owned.epoch));
      await this.#settle(both as [JournalRecord, JournalRecord]);
    } catch {
      // Reading failed: nothing was decided.
    } finally {
      this.#busy.delete(topic);
    }
  }

  async take(range: SlotRange, isSplit: boolean): Promise<void> {
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      const rows = await this.journal.readEpochs(range);
      const over = rows.filter((row) => rangeContains(row.range as SlotRange, range.i));
      const prev = over.reduce<EpochRecord | undefined>((a, b) => (a && a.epoch > b.epoch ? a : b), undefined);
      if (prev === undefined) return;
      const whole = prev.range as SlotRange;
      const half = splitRange(whole).find((each) => rangeContains(each, range.i)) as SlotRange;
      const asked = prev.split ? half : whole;
      const { name: host } = this;
      const epoch = prev.epoch + 1;
      const record = {
        range: asked,
        split: isSplit,
        epoch,
        host,
        incarnation: host,
        moveId: `${host}${epoch}${isSplit}`,
      };
      const { taken } = await this.journal.takeEpoch(record, prev);
      if (taken) await this.#open(record);
    } catch {
      // Of unknown outcome: whoever comes next finds out.
    } finally {
      this.#isTaking = false;
    }
  }

  async #open(record: EpochRecord): Promise<void> {
    const { range, epoch } = record;
    for (const [key, owned] of this.#owned) {
      if (rangeContains(range as SlotRange, (owned.range as SlotRange).i)) this.#owned.delete(key);
    }
    this.#world.opened.push({
      epoch,
      range: range as SlotRange,
      seen: this.#world.accepted(range as SlotRange, epoch),
    });
    // What a former owner may have said of the range, also after this one's EPOCH.
    for (const writer of this.#world.writers) {
      const most = writer.journal.mostWatermark(range as SlotRange);
      if (writer !== this && most !== undefined) this.#highest = higher(this.#highest, most);
    }
    this.#owned.set(formatRange(range as SlotRange), record);
  }

  #recordOf(topic: bigint, seq: bigint, epoch: number): JournalRecord {
    this.#values++;
    const result = Buffer.from(`${this.name}${this.#values}`);
    const rest = { ts: 1n, lastId: 1n, requestId: this.#values, nonceKey: "", rows: [], event: Buffer.alloc(0) };
    return { topic, seq, epoch, result, ...rest };
  }

  async #settle(pair: readonly [JournalRecord, JournalRecord]): Promise<void> {
    const world = this.#world;
    let records: readonly JournalRecord[] = pair;
    let isUnknown = false;
    const above = this.#highest;
    for (let attempt = 0; attempt < 12 && records.length > 0; attempt++) {
      try {
        const { answers } = await this.journal.append({ records: [...records] });
        records = records.filter((record, index) => {
          const of = answers[index]?.of;
          if (of?.$case === "stored") {
            this.#highest = higher(this.#highest, of.value.position);
            world.acked.push({ record, position: of.value.position, above });
          }
          if (of?.$case === "fenced") world.never.push(record);
          return of?.$case !== "stored" && of?.$case !== "fenced";
        });
      } catch (error) {
        isUnknown ||= !isGuildhallError(error) || error.code !== "JOURNAL_UNAVAILABLE";
      }
    }
    if (!isUnknown) world.never.push(...records);
  }
}

class World {
  readonly log: ManualLog;
  readonly writers: readonly Writer[];
  readonly acked: Said[] = [];
  /** What was said never to come. */
  readonly never: JournalRecord[] = [];
  readonly opened: { readonly epoch: number; readonly range: SlotRange; readonly seen: Promise<string[]> }[] = [];
  readonly readings: { readonly topic: bigint; readonly seen: readonly string[] }[] = [];
  readonly tails: { readonly range: SlotRange; readonly to: bigint; readonly positions: readonly bigint[] }[] = [];

  constructor(partitions: number) {
    this.log = new ManualLog(partitions);
    this.writers = ["a", "b", "c"].map((name) => new Writer(name, this));
  }

  /** What a reader that begins now sees of a range, of epochs below `epoch`. */
  async accepted(range: SlotRange, epoch: number): Promise<string[]> {
    const log = new ManualLog(this.log.partitions);
    for (let p = 0; p < log.partitions; p++) await log.produce(p, [...this.log.entriesOf(p)]);
    const reader = makeConfirmingJournal(log, { writer: "reader" });
    const seen: string[] = [];
    for (const topic of topics.filter((each) => rangeContains(range, slotOf(each)))) {
      for (const { record } of (await reader.readTopic(topic, 1n, 10_000)).records) {
        if (record !== undefined && record.epoch < epoch) seen.push(nameOf(record));
      }
    }
    return seen;
  }

  /** Reads a tail, as far as it is said to be whole. */
  async readTail(by: Journal, range: SlotRange): Promise<void> {
    const tail = await by.readTail(range, 0n, 10_000).catch(() => undefined);
    if (tail !== undefined)
      this.tails.push({ range, to: tail.readTo, positions: tail.records.map((each) => each.position) });
  }

  async read(by: Journal, topic: bigint): Promise<void> {
    const read = await by.readTopic(topic, 1n, 10_000).catch(() => undefined);
    if (read !== undefined) {
      this.readings.push({ topic, seen: read.records.map(({ record }) => nameOf(record as JournalRecord)) });
    }
  }
}

function nameOf({ topic, epoch, seq, result }: JournalRecord): string {
  return `${topic} ${epoch} ${seq} ${result.toString()}`;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Numbers that look random, the same for the same seed (mulberry32). */
function chooserOf(seed: number): (count: number) => number {
  let state = seed;
  return (count) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
  };
}

async function run(partitions: number, seed: number, moves: number): Promise<World> {
  const world = new World(partitions);
  const first = { range: all, split: false, epoch: 1, host: "z", incarnation: "z", moveId: "z" };
  await makeConfirmingJournal(world.log, { writer: "z" }).takeEpoch(first, undefined);
  const choose = chooserOf(seed);
  world.log.isPrompt = false;
  world.log.fate = () => fates[choose(fates.length)] as Fate;
  world.log.failsRead = () => choose(12) === 0;
  for (let move = 0; move < moves; move++) {
    const writer = world.writers[choose(world.writers.length)] as Writer;
    const topic = topics[choose(topics.length)] as bigint;
    const { steps } = world.log;
    const what = choose(18);
    if (what === 0 || move === 0) void writer.take({ i: slotOf(topic), n: 65_536 }, choose(4) === 0);
    else if (what < 3) void writer.write(topic);
    else if (what < 4) void world.read(writer.journal, topic);
    else if (what < 5) void world.readTail(writer.journal, all);
    else if (what < 6) {
      const n = 2 ** choose(4);
      void world.readTail(writer.journal, { i: slotOf(topic) % n, n });
    } else if (steps.length > 0) steps.splice(choose(steps.length), 1)[0]?.();
    await turn();
  }
  world.log.fate = () => "written";
  world.log.failsRead = () => false;
  for (let quiet = 0; quiet < 3; quiet = world.log.steps.length === 0 ? quiet + 1 : 0) {
    world.log.steps.splice(choose(world.log.steps.length || 1), 1)[0]?.();
    await turn();
  }
  return world;
}

test("whatever is lost, late or doubled: what was acked counts once, readers agree, and owners see all before them", async () => {
  let acked = 0;
  let openings = 0;
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 2, 4),
      fc.nat(),
      fc.integer({ min: 100, max: 2_000 }),
      async (partitions, seed, moves) => {
        const world = await run(partitions, seed, moves);
        acked += world.acked.length;
        openings += world.opened.length;
        whole += world.tails.reduce((sum, { positions }) => sum + positions.length, 0);
        world.log.isPrompt = true;
        const reader = makeConfirmingJournal(world.log, { writer: "last" });
        const final = new Map<bigint, string[]>();
        const positions = new Map<string, bigint>();
        for (const topic of topics) {
          const { records } = await reader.readTopic(topic, 1n, 10_000);
          final.set(
            topic,
            records.map(({ record }) => nameOf(record as JournalRecord)),
          );
          records.forEach(({ record, position }, index) => {
            expect(record?.seq).toBe(BigInt(index + 1));
            expect(record?.epoch).toBeGreaterThanOrEqual(records[index - 1]?.record?.epoch ?? 0);
            positions.set(nameOf(record as JournalRecord), position);
          });
        }
        for (const { record, position, above } of world.acked) {
          expect(positions.get(nameOf(record))).toBe(position);
          expect(position).toBeGreaterThan(above);
        }
        for (const record of world.never) expect(positions.has(nameOf(record))).toBe(false);
        for (const { topic, seen } of world.readings) expect(final.get(topic)?.slice(0, seen.length)).toEqual(seen);
        for (const { epoch, range, seen } of world.opened)
          expect(await seen).toEqual(await world.accepted(range, epoch));
        for (const { range, to, positions: seen } of world.tails) {
          const due = [...final.keys()]
            .filter((topic) => rangeContains(range, slotOf(topic)))
            .flatMap((topic) => final.get(topic) ?? []);
          const below = due.map((name) => positions.get(name) as bigint).filter((position) => position <= to);
          expect(seen).toEqual(below.sort((a, b) => (a < b ? -1 : 1)));
        }
      },
    ),
    { numRuns: 60 },
  );
  expect(acked).toBeGreaterThan(100);
  expect(openings).toBeGreaterThan(100);
  expect(whole).toBeGreaterThan(100);
});
