import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { GuildhallError } from "@guildhall/errors";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { openStateFolder, stateVersion } from "../state/folder.ts";
import { manifestName, verifyBackup } from "./manifest.ts";
import { bringIn, undoReplacement } from "./replace-state.ts";
import { restoreOffline, restoreState } from "./restore.ts";
import { type BackupSource, takeBackup } from "./take-backup.ts";

let base: TempDir;
let state: string;
let backup: string;
let asked: string[];

beforeEach(() => {
  base = makeTempDir();
  state = join(base.path, "state");
  backup = join(base.path, "backups/monday");
  asked = [];
  writeState("old");
});

afterEach(() => base[Symbol.dispose]());

const names = { data: ["store.db", "journal.db"], user: ["accounts.db"], coordinator: ["coordinator.db"] } as const;

/** A state folder of which every file says the same. */
function writeState(text: string): void {
  for (const [part, files] of Object.entries(names)) {
    mkdirSync(join(state, part), { recursive: true, mode: 0o700 });
    for (const name of files) writeFileSync(join(state, part, name), `${text} ${name}`);
  }
  mkdirSync(join(state, "sessions"), { recursive: true });
  writeFileSync(join(state, "sessions/log"), text);
  writeFileSync(join(state, "demo.json"), JSON.stringify({ text }));
  writeFileSync(join(state, "version"), `${stateVersion}\n`);
}

/** All files of the state and what they hold, but what says who runs there. */
function stateNow(): Record<string, string> {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(state, name)).isFile() && !/^(replaced|version|lock)/.test(name))
    .sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(state, name), "utf8")]));
}

function source(changes: Partial<BackupSource> = {}): BackupSource {
  return {
    async backUpPart(part, folder, only) {
      asked.push([part, ...only].join(" "));
      const chosen = names[part].filter((name) => only.length === 0 || only.includes(name));
      const files = chosen.map((name) => {
        const content = readFileSync(join(state, part, name));
        writeFileSync(join(folder, name), content);
        const sha256 = createHash("sha256").update(content).digest("hex");
        return { name, bytes: BigInt(content.length), sha256 };
      });
      return { files };
    },
    plainFiles: [join(state, "demo.json"), join(state, "none.json")],
    document: { kind: "ShardSet" },
    facts: { stateVersion, version: "0.1.0", fleet: "main", serving: 4, api: "http://a", gateway: "ws://b" },
    ...changes,
  };
}

test("copies the store, then accounts, then the journal, and the coordinator last, into a folder of its owner", async () => {
  const manifest = await takeBackup(backup, source());
  expect(asked).toEqual(["data store.db", "user", "data journal.db directory.db", "coordinator"]);
  expect(await verifyBackup(backup, stateVersion)).toEqual(manifest);
  expect(manifest).toMatchObject({ format: 1, stateVersion, version: "0.1.0", fleet: "main", serving: 4 });
  expect(manifest.files.map(({ name }) => name).sort()).toEqual([
    "coordinator/coordinator.db",
    "data/journal.db",
    "data/store.db",
    "demo.json",
    "shardset.json",
    "user/accounts.db",
  ]);
  const modes = ["", "data", "data/store.db", "demo.json", manifestName].map((name) =>
    (statSync(join(backup, name)).mode & 0o777).toString(8),
  );
  expect(modes).toEqual(["700", "700", "600", "600", "600"]);
  expect(readdirSync(join(backup, ".."))).toEqual(["monday"]);
});

test("leaves nothing behind when a part fails, and touches no folder that is there", async () => {
  const failing = source({
    backUpPart: async () => {
      throw new GuildhallError("STORE_UNAVAILABLE", "disk full");
    },
  });
  await expect(takeBackup(backup, failing)).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    message: `no backup was made in ${backup}: disk full`,
  });
  expect(readdirSync(join(backup, ".."))).toEqual([]);
  mkdirSync(backup);
  writeFileSync(join(backup, "mine"), "");
  await expect(takeBackup(backup, source())).rejects.toMatchObject({
    code: "INVALID_FORM",
    fields: [{ path: ["folder"] }],
  });
  expect(readdirSync(backup)).toEqual(["mine"]);
});

const damages: readonly (readonly [string, () => void, RegExp])[] = [
  ["no manifest", () => rmSync(join(backup, manifestName)), /is no backup: it has no manifest\.json/],
  ["a file less", () => rmSync(join(backup, "data/store.db")), /store\.db is missing/],
  ["another byte", () => writeFileSync(join(backup, "data/store.db"), "eld store.db"), /store\.db .*SHA-256 differs/],
  ["a shorter file", () => writeFileSync(join(backup, "data/store.db"), "old"), /has 3 bytes, not 12/],
  [
    "a link",
    () => {
      rmSync(join(backup, "data/store.db"));
      symlinkSync(join(state, "data/store.db"), join(backup, "data/store.db"));
    },
    /store\.db is no file/,
  ],
  ["a name that leads out", () => editManifest("data/store.db", "data/../../store.db"), /is not a list/],
  ["a part less", () => editManifest("user/accounts.db", "data/accounts.db"), /holds nothing of user/],
];
test.each(damages)("restores nothing from a backup with %s", async (_what, damage, message) => {
  await takeBackup(backup, source());
  damage();
  await expect(restoreOffline(state, backup, () => {})).rejects.toMatchObject({
    code: "REFUSED",
    message: expect.stringMatching(message),
  });
  expect(stateNow()).toMatchObject({ "data/store.db": "old store.db", "sessions/log": "old" });
});

function editManifest(from: string, to: string): void {
  const file = join(backup, manifestName);
  writeFileSync(file, readFileSync(file, "utf8").replace(from, to));
}

test("refuses a backup of another version", async () => {
  await takeBackup(backup, source({ facts: { ...source().facts, stateVersion: 99, version: "9.0.0" } }));
  await expect(restoreOffline(state, backup, () => {})).rejects.toMatchObject({ code: "STATE_VERSION" });
});

test("puts a backup in the place of the state, without sessions, and keeps the state before", async () => {
  await takeBackup(backup, source());
  writeState("new");
  const lines: string[] = [];
  const replaced = await restoreOffline(state, backup, (line) => lines.push(line));
  expect(stateNow()).toEqual({
    "coordinator/coordinator.db": "old coordinator.db",
    "data/journal.db": "old journal.db",
    "data/store.db": "old store.db",
    "demo.json": '{"text":"old"}',
    "user/accounts.db": "old accounts.db",
  });
  expect(readFileSync(join(replaced, "data/store.db"), "utf8")).toBe("new store.db");
  expect(readFileSync(join(replaced, "sessions/log"), "utf8")).toBe("new");
  expect(lines.at(-1)).toBe(`restored; the state before is in ${replaced}`);
  expect(readdirSync(state).filter((name) => /^(incoming|restore)/.test(name))).toEqual([]);
});

test("restores into a folder that was not there", async () => {
  await takeBackup(backup, source());
  rmSync(state, { recursive: true });
  await restoreOffline(state, backup, () => {});
  expect(stateNow()).toMatchObject({ "data/store.db": "old store.db", "user/accounts.db": "old accounts.db" });
});

test("puts the state before back when the fleet does not start from the backup", async () => {
  await takeBackup(backup, source());
  writeState("new");
  const before = stateNow();
  const did: string[] = [];
  const steps = {
    say: (line: string) => did.push(line.replace(/ \(.*/, "")),
    stop: async () => void did.push("stop"),
    async start() {
      const text = readFileSync(join(state, "data/store.db"), "utf8");
      did.push(`start with ${text}`);
      if (text.startsWith("old")) throw new GuildhallError("UNAVAILABLE", "not ready after 90 s");
    },
  };
  await expect(restoreState(state, backup, steps)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(did.slice(1)).toEqual([
    "stop",
    "start with old store.db",
    "it did not start from the backup",
    "stop",
    "start with new store.db",
  ]);
  expect(stateNow()).toEqual(before);
});

test.each(["before the swap", "after the swap", "in the middle of it"])(
  "finds the state before again when it was killed %s",
  async (when) => {
    const manifest = await takeBackup(backup, source());
    writeState("new");
    const before = stateNow();
    const incoming = await bringIn(state, backup, manifest, "T");
    if (when !== "before the swap") incoming.swap();
    if (when === "in the middle of it") {
      // As if only data had been moved: the rest is where it was.
      for (const name of ["user", "coordinator", "sessions", "demo.json"]) {
        rmSync(join(state, name), { recursive: true });
        renameSync(join(incoming.replaced, name), join(state, name));
      }
    }
    using folder = await openStateFolder(state);
    expect(folder.isPutBack).toBe(when !== "before the swap");
    expect(stateNow()).toEqual(before);
    expect(existsSync(incoming.replaced)).toBe(false);
    expect(undoReplacement(state)).toBe(false);
  },
);
