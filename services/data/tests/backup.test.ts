import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DirectoryKind } from "@guildhall/proto";
import { makeManualTime, makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeBackUp } from "../src/backup.ts";
import { makeEntry, makeEpoch, makeMessage, startData, topicIn } from "./running-data.ts";

const topic = topicIn(1);
const range = { i: 0, n: 1 };
const names = ["store.db", "journal.db", "directory.db"];

/** What the copy of a database says. */
function ask(folder: string, name: string, sql: string): unknown {
  using db = new DatabaseSync(join(folder, name), { readOnly: true });
  expect(Object.values(db.prepare("PRAGMA integrity_check").get() ?? {})).toEqual(["ok"]);
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

test("copies all databases while they are written to: the journal's copy goes on from where the store's ends", async () => {
  await using data = await startData();
  const { client } = data;
  await client.call("takeEpoch", { record: makeEpoch(), prev: undefined });
  let seq = 0n;
  let stop = false;
  const writing = (async () => {
    while (!stop) {
      seq += 1n;
      const key = { kind: DirectoryKind.DIRECTORY_KIND_CHANNEL, key: `${seq}` };
      await client.call("putDirectory", { entries: [{ key, topic, cell: 0 }] });
      await client.call("append", { records: [makeEntry(topic, seq, { lastId: seq })] });
      await client.call("apply", {
        range,
        epoch: 1,
        rows: [makeMessage(seq, seq)],
        watermark: seq,
        applied: [{ topic, epoch: 1, seq }],
      });
    }
  })();
  const folder = join(data.dir.path, "backup", "monday");
  const { files } = await client.call("backup", { folder, names: [] });
  stop = true;
  await writing;
  expect(files.map(({ name }) => name)).toEqual(names);
  for (const { name, bytes, sha256 } of files) {
    const copy = readFileSync(join(folder, name));
    expect([BigInt(copy.length), createHash("sha256").update(copy).digest("hex")]).toEqual([bytes, sha256]);
  }
  const [applied, journaled, named] = [
    ask(folder, "store.db", "SELECT ifnull(max(position), 0) FROM watermarks"),
    ask(folder, "journal.db", "SELECT ifnull(max(position), 0) FROM records"),
    ask(folder, "directory.db", "SELECT count(*) FROM directory"),
  ].map(Number) as [number, number, number];
  expect(applied <= journaled && journaled <= named).toBe(true);
  expect(ask(folder, "journal.db", "SELECT count(*) FROM records")).toBe(journaled);
});

test("writes over nothing, takes one at a time, and says what is wrong with the folder", async () => {
  await using data = await startData();
  const { client } = data;
  const folder = join(data.dir.path, "backup");
  const [first, second] = await Promise.allSettled([
    client.call("backup", { folder, names: [] }),
    client.call("backup", { folder: join(data.dir.path, "other"), names: [] }),
  ]);
  expect([first.status, second]).toMatchObject(["fulfilled", { reason: { code: "QUEUE_FULL" } }]);
  const again = client.call("backup", { folder, names: [] });
  await expect(again).rejects.toMatchObject({ code: "INVALID_FORM", message: expect.stringContaining("store.db") });
  await expect(client.call("backup", { folder: "here", names: [] })).rejects.toMatchObject({ code: "INVALID_FORM" });
  const file = join(data.dir.path, "file");
  writeFileSync(file, "");
  await expect(client.call("backup", { folder: join(file, "below"), names: [] })).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
});

test("copies in parts, and trims nothing between the store's copy and the journal's", async () => {
  using dir = makeTempDir();
  for (const name of names) writeFileSync(join(dir.path, name), "");
  const { timers, advance } = makeManualTime();
  let pauses = 0;
  const trimming = {
    pause: async () => {
      pauses += 1;
      return {
        [Symbol.dispose]() {
          pauses -= 1;
        },
      };
    },
  };
  using backUp = makeBackUp(dir.path, trimming, timers);
  const copy = async (part: string, files: readonly string[]) => {
    return [(await backUp(join(dir.path, part), files)).map(({ name }) => name), pauses];
  };
  expect(await copy("a", ["store.db"])).toEqual([["store.db"], 1]);
  expect(await copy("a", ["directory.db", "journal.db"])).toEqual([["journal.db", "directory.db"], 0]);
  expect(await copy("b", [])).toEqual([names, 0]);
  expect(await copy("c", ["store.db"])).toEqual([["store.db"], 1]);
  expect(await copy("d", ["store.db"])).toEqual([["store.db"], 1]);
  advance(10 * 60_000);
  expect(pauses).toBe(0);
  await expect(backUp(join(dir.path, "e"), ["accounts.db"])).rejects.toMatchObject({ code: "INVALID_FORM" });
});
