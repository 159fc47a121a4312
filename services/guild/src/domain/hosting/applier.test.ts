import type { Apply, EpochRecord, Record as JournalRecord } from "@guildhall/proto";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeApplier } from "./applier.ts";
import { makeHostStats } from "./host-stats.ts";

const topic = 7n;
/** An EPOCH of this very process. */
const own = {} as EpochRecord;

function record(seq: bigint, of = topic): JournalRecord {
  const none = Buffer.alloc(0);
  const value = { channelId: of, messageId: seq, authorId: 1n, mentionIds: [], referenceId: 0n, openJson: none, seq };
  const rows: JournalRecord["rows"] = [{ ts: seq, deleted: false, of: { $case: "message", value } }];
  return {
    topic: of,
    epoch: 1,
    seq,
    ts: seq,
    lastId: seq,
    requestId: seq,
    nonceKey: "",
    result: none,
    rows,
    event: none,
  };
}

/** An applier at the end of an empty journal, over a store that answers when told to. */
async function setUp({ gatherMs = 0 } = {}) {
  const { clock, timers, advanceAsync } = makeManualTime();
  const applies: { request: Apply; answer: () => void; fence: () => void }[] = [];
  const warnings: string[] = [];
  let highest = 0n;
  let floor: bigint | undefined;
  const applier = makeApplier({
    range: { i: 0, n: 1 },
    epoch: () => 1,
    unapplied: { watermark: 0n, replaying: true, records: [] },
    isOwn: (owner) => owner === own,
    ports: {
      clock,
      timers: { ...timers, soon: (work) => queueMicrotask(work) },
      journal: { readTail: async () => ({ records: [], readTo: 0n, end: true }) } as never,
      memberships: { apply: async () => {} },
      store: {
        apply: (request: Apply) =>
          new Promise((resolve) => {
            applies.push({
              request,
              answer: () => resolve({ of: { $case: "done", value: {} } }),
              fence: () => resolve({ of: { $case: "fenced", value: { owner: own } } }),
            });
          }),
      } as never,
      reporter: { warn: (message) => void warnings.push(message), handoffEnded: () => {} },
    },
    stats: makeHostStats(),
    gatherMs,
    floor: () => floor,
    highest: () => highest,
    applied: () => {},
    lost: () => {},
  });
  await advanceAsync(0);
  const stored = (seq: bigint, position: bigint, of = topic): void => {
    if (position > highest) highest = position;
    applier.add(record(seq, of), position);
  };
  const answerNext = async (): Promise<void> => {
    applies.shift()?.answer();
    await advanceAsync(0);
  };
  const hold = (at: bigint | undefined): void => {
    floor = at;
  };
  return { applier, applies, warnings, stored, answerNext, hold, advanceAsync };
}

const idsOf = ({ rows }: Apply) => rows.map(({ of }) => (of?.$case === "message" ? of.value.messageId : 0n));

test("a record whose answer came late, while later ones are being applied, reaches the store too", async () => {
  const { applier, applies, stored, answerNext, hold } = await setUp();
  hold(0n);
  stored(2n, 2n);
  expect(applies.map(({ request }) => idsOf(request))).toEqual([[2n]]);
  // Position 1 was stored first, but its answer was lost and it had to be sent again.
  stored(1n, 1n, 8n);
  hold(undefined);
  await answerNext();
  expect(applies.map(({ request }) => [idsOf(request), request.watermark])).toEqual([[[1n], 2n]]);
  await answerNext();
  expect([applies.length, applier.backlog, applier.backlogBytes, applier.watermark]).toEqual([0, 0, 0, 2n]);
});

test("the watermark stays below what waits", async () => {
  const { applier, applies, stored, answerNext } = await setUp();
  stored(1n, 1n);
  stored(2n, 5n);
  stored(3n, 6n);
  expect([applier.backlog, applies[0]?.request.watermark]).toEqual([3, 1n]);
  await answerNext();
  expect(applies.map(({ request }) => [idsOf(request), request.watermark])).toEqual([[[2n, 3n], 6n]]);
});

test("records that come one by one go together", async () => {
  const { applier, applies, stored, answerNext, advanceAsync } = await setUp({ gatherMs: 25 });
  stored(1n, 1n);
  await advanceAsync(20);
  stored(2n, 2n);
  expect(applies).toEqual([]);
  await advanceAsync(5);
  stored(3n, 3n);
  expect(applies.map(({ request }) => idsOf(request))).toEqual([[1n, 2n]]);
  await answerNext();
  await advanceAsync(25);
  expect(applies.map(({ request }) => [idsOf(request), request.watermark])).toEqual([[[3n], 3n]]);
  await answerNext();
  expect([applier.backlog, applier.backlogBytes, applier.watermark]).toEqual([0, 0, 3n]);
});

test("a full batch waits for nothing", async () => {
  const { applies, stored } = await setUp({ gatherMs: 25 });
  for (let seq = 1n; seq <= 513n; seq += 1n) stored(seq, seq);
  expect(applies.map(({ request }) => idsOf(request).length)).toEqual([512]);
});

test("a newer EPOCH of this process is waited for quietly, and named when it stays", async () => {
  const { applier, applies, warnings, stored, answerNext, advanceAsync } = await setUp();
  stored(1n, 1n);
  applies.shift()?.fence();
  await advanceAsync(100);
  expect([applies.length, warnings]).toEqual([1, []]);
  applies.shift()?.fence();
  await advanceAsync(200);
  expect([applies.length, warnings]).toEqual([1, ["applying rows failed, will be tried again"]]);
  await answerNext();
  expect(applier.watermark).toBe(1n);
  applier.stop();
});
