import { appendFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeManualTime, makeTempDir, type TempDir } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { makeSpecFileWatch } from "./spec-file.ts";

let folder: TempDir;
let heard: string[];
let time: ReturnType<typeof makeManualTime>;
const file = () => join(folder.path, "fleet.yaml");

beforeEach(() => {
  folder = makeTempDir();
  heard = [];
  time = makeManualTime();
  writeFileSync(file(), "one");
});

afterEach(() => folder[Symbol.dispose]());

const watch = () => makeSpecFileWatch({ file: file(), timers: time.timers });
const listener = { onEdit: () => void heard.push("edit"), onMissing: () => void heard.push("missing") };

test("says each edit once, whether the file is written into or replaced", () => {
  using watching = watch();
  watching.begin(listener);
  time.advance(5_000);
  expect(heard).toEqual([]);
  appendFileSync(file(), " two");
  time.advance(5_000);
  expect(heard).toEqual(["edit"]);
  writeFileSync(`${file()}.new`, "three");
  renameSync(`${file()}.new`, file());
  time.advance(5_000);
  expect(heard).toEqual(["edit", "edit"]);
});

test("says an edit of the time between its making and its beginning", () => {
  using watching = watch();
  appendFileSync(file(), " two");
  watching.begin(listener);
  time.advance(1_000);
  expect(heard).toEqual(["edit"]);
});

test("waits until a file that is being written is the same at two looks", () => {
  using watching = watch();
  watching.begin(listener);
  for (let part = 0; part < 5; part += 1) {
    appendFileSync(file(), "x".repeat(100));
    time.advance(500);
  }
  expect(heard).toEqual([]);
  time.advance(500);
  expect(heard).toEqual(["edit"]);
});

test("overlooks a file that is away for a moment, and says once when it stays away", () => {
  using watching = watch();
  watching.begin(listener);
  rmSync(file());
  time.advance(1_000);
  writeFileSync(file(), "one again");
  time.advance(1_000);
  expect(heard).toEqual(["edit"]);
  rmSync(file());
  time.advance(60_000);
  expect(heard).toEqual(["edit", "missing"]);
  writeFileSync(file(), "back");
  time.advance(1_000);
  expect(heard).toEqual(["edit", "missing", "edit"]);
});
