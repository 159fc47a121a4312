import { makeManualTime, makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeRecord, nextEpoch, topicIn } from "./store/journal.contract.ts";
import { makeSqliteJournal } from "./store/journal-sqlite.ts";
import { makeBatch, makeMessage } from "./store/store.contract.ts";
import { makeSqliteStore } from "./store/store-sqlite.ts";
import { forgetDeleted, trimJournal } from "./upkeep.ts";

const minuteMs = 60_000;
const minuteUs = 60_000_000n;

function onFatal(error: unknown): never {
  throw error;
}

test("trims what every owner has applied, is old, and lies before the retry window", async () => {
  using dir = makeTempDir();
  const { clock } = makeManualTime();
  await using journal = makeSqliteJournal({ folder: dir.path, onFatal });
  await using store = makeSqliteStore({ folder: dir.path, onFatal });
  await Promise.all([journal.open(), store.open()]);
  const now = clock.nowUs();
  const first = nextEpoch(undefined);
  await journal.takeEpoch(first);
  await journal.takeEpoch(nextEpoch(first, { split: true }));
  const append = (slot: number, seq: bigint, minutesAgo: bigint) =>
    journal.append([makeRecord(topicIn(slot), seq, { epoch: 2, ts: now - minutesAgo * minuteUs })]);
  // Slot 0 is applied to its end, slot 1 to its first record; the last record of each is too young.
  for (const [seq, minutesAgo] of [
    [1n, 30n],
    [2n, 12n],
    [3n, 1n],
  ] as const) {
    await append(0, seq, minutesAgo);
    await append(1, seq, minutesAgo);
  }
  await store.apply(makeBatch([], { range: { i: 0, n: 2 }, epoch: 2, watermark: 6n }));
  await store.apply(makeBatch([], { range: { i: 1, n: 2 }, epoch: 2, watermark: 2n }));
  expect(await trimJournal({ journal, store, clock }, 10 * minuteMs)).toBe(3);
  expect(await journal.readTopic(topicIn(0), 1n, 10)).toMatchObject({ floor: 3n });
  expect(await journal.readTopic(topicIn(1), 1n, 10)).toMatchObject({ floor: 2n });
  expect(await trimJournal({ journal, store, clock }, 10 * minuteMs)).toBe(0);
});

test("keeps the last 5 minutes of a shard that fell silent", async () => {
  using dir = makeTempDir();
  const { clock } = makeManualTime();
  await using journal = makeSqliteJournal({ folder: dir.path, onFatal });
  await using store = makeSqliteStore({ folder: dir.path, onFatal });
  await Promise.all([journal.open(), store.open()]);
  await journal.takeEpoch(nextEpoch(undefined));
  const ago = (minutes: bigint) => clock.nowUs() - minutes * minuteUs;
  const times = [120n, 104n, 100n].map(ago);
  await journal.append(times.map((ts, index) => makeRecord(topicIn(0), BigInt(index + 1), { ts })));
  await store.apply(makeBatch([], { watermark: 3n }));
  expect(await trimJournal({ journal, store, clock }, 10 * minuteMs)).toBe(1);
  expect(await journal.readTopic(topicIn(0), 1n, 10)).toMatchObject({ floor: 2n });
});

test("forgets deletions after their time", async () => {
  using dir = makeTempDir();
  const { clock } = makeManualTime();
  await using store = makeSqliteStore({ folder: dir.path, onFatal });
  await store.open();
  const ago = (minutes: bigint) => clock.nowUs() - minutes * minuteUs;
  const rows = Array.from({ length: 700 }, (_, index) => makeMessage(BigInt(index), { ts: ago(20n), deleted: true }));
  await store.apply(makeBatch([...rows, makeMessage(9_999n, { ts: ago(5n), deleted: true })]));
  expect(await forgetDeleted({ store, clock }, 10 * minuteMs)).toBe(700);
});
