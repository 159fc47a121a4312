import { GuildhallError } from "@guildhall/errors";
import type { DirectoryEntry, DirectoryKey } from "@guildhall/proto";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { type DirectoryLimits, makeDirectory } from "./directory.ts";
import { channelKey, inviteKey } from "./directory-key.ts";

const lots: DirectoryLimits = { finds: 100, misses: 100, pending: 100, batch: 100 };
const keyText = ({ kind, key }: DirectoryKey) => `${kind}:${key}`;

function start(limits: Partial<DirectoryLimits> = {}) {
  const time = makeManualTime();
  const entries = new Map<string, DirectoryEntry>();
  const questions: string[][] = [];
  const state = { down: false };
  const directory = makeDirectory({
    clock: time.clock,
    limits: { ...lots, ...limits },
    data: {
      async findDirectory(keys) {
        questions.push(keys.map(({ key }) => key));
        if (state.down) throw new GuildhallError("UNAVAILABLE", "data is down");
        return keys.flatMap((key) => entries.get(keyText(key)) ?? []);
      },
    },
  });
  const add = (key: DirectoryKey, topic: bigint) => entries.set(keyText(key), { key, topic, cell: 0 });
  const find = async (key: DirectoryKey) => {
    try {
      return await directory.find(key);
    } catch (error) {
      return (error as { code?: unknown }).code;
    }
  };
  return { time, directory, questions, state, add, find };
}

test("asks for what is wanted in one turn together, each key once, and keeps finds for ever", async () => {
  const { time, questions, add, find } = start();
  add(channelKey(1n), 10n);
  add(channelKey(2n), 20n);
  add(inviteKey("1"), 30n);
  const keys = [channelKey(1n), channelKey(2n), channelKey(1n), inviteKey("1")];
  expect(await Promise.all(keys.map(find))).toEqual([10n, 20n, 10n, 30n]);
  time.advance(1e9);
  expect(await find(channelKey(2n))).toBe(20n);
  expect(questions).toEqual([["1", "2", "1"]]);
});

test("joins a question that is under way", async () => {
  const { questions, add, find } = start();
  add(channelKey(1n), 10n);
  const first = find(channelKey(1n));
  await Promise.resolve();
  expect(questions).toHaveLength(1);
  expect(await Promise.all([first, find(channelKey(1n))])).toEqual([10n, 10n]);
  expect(questions).toHaveLength(1);
});

test("names the unknown thing by its kind, and asks again only after a second", async () => {
  const { time, questions, add, find } = start();
  expect(await Promise.all([find(channelKey(1n)), find(inviteKey("x"))])).toEqual([
    "UNKNOWN_CHANNEL",
    "UNKNOWN_INVITE",
  ]);
  add(channelKey(1n), 10n);
  time.advance(999);
  expect(await find(channelKey(1n))).toBe("UNKNOWN_CHANNEL");
  time.advance(1);
  expect(await find(channelKey(1n))).toBe(10n);
  expect(questions).toEqual([["1", "x"], ["1"]]);
});

test("says DIRECTORY_UNAVAILABLE while data is down, keeps serving finds, and does not remember it as a miss", async () => {
  const { state, add, find } = start();
  add(channelKey(1n), 10n);
  add(channelKey(2n), 20n);
  await find(channelKey(1n));
  state.down = true;
  expect(await Promise.all([find(channelKey(1n)), find(channelKey(2n))])).toEqual([10n, "DIRECTORY_UNAVAILABLE"]);
  state.down = false;
  expect(await find(channelKey(2n))).toBe(20n);
});

test("keeps a bounded number of finds, those used last", async () => {
  const { questions, add, find, directory } = start({ finds: 2 });
  for (const id of [1n, 2n, 3n]) add(channelKey(id), id * 10n);
  await find(channelKey(1n));
  await find(channelKey(2n));
  await find(channelKey(1n));
  await find(channelKey(3n));
  expect(directory.counts().finds).toBe(2);
  await find(channelKey(1n));
  await find(channelKey(2n));
  expect(questions).toEqual([["1"], ["2"], ["3"], ["2"]]);
});

test("cuts large questions, and refuses more than it may wait for", async () => {
  const { questions, find } = start({ batch: 2, pending: 3 });
  const answers = await Promise.all([1n, 2n, 3n, 4n].map((id) => find(channelKey(id))));
  expect(answers).toEqual(["UNKNOWN_CHANNEL", "UNKNOWN_CHANNEL", "UNKNOWN_CHANNEL", "QUEUE_FULL"]);
  expect(questions).toEqual([["1", "2"], ["3"]]);
});
