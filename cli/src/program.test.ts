import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { renderMessage } from "./chat/render.ts";
import { refusal } from "./chat/rest.ts";
import { seedPeople } from "./commands/seed.ts";
import { sumOfMetric } from "./commands/status.ts";
import { openFleet } from "./fleet.ts";
import { makeProgram } from "./program.ts";
import { plain, renderTable } from "./terminal.ts";

const silent = { line: () => {}, note: () => {} };

function run(...args: string[]): Promise<unknown> {
  const program = makeProgram(silent, "/nonexistent/state").exitOverride();
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  }
  return program.parseAsync(args, { from: "user" });
}

test("says what to do when no fleet runs", async () => {
  await expect(run("status")).rejects.toThrow(
    "no fleet runs on /nonexistent/state: start one with `npm start`, or name its folder with --state DIR",
  );
});

const verbs = [
  ["shards"],
  ["hosts"],
  ["sessions"],
  ["trace", "1"],
  ["reshard", "plan"],
  ["reshard", "apply", "--to", "8"],
  ["reshard", "approve"],
  ["reshard", "status"],
  ["reshard", "pause"],
  ["reshard", "resume"],
  ["reshard", "cancel"],
  ["reshard", "undo"],
  ["move", "3/8", "guild-1"],
  ["rebalance"],
  ["drain", "gateway-0"],
  ["pause"],
  ["resume"],
  ["backup", "/tmp/backup"],
];
test.each(verbs)("%s %s says what to do when no fleet runs", async (...args) => {
  await expect(run(...args)).rejects.toThrow("no fleet runs on /nonexistent/state: start one with `npm start`");
});

const views = new Set(["shards", "hosts", "sessions", "trace", "reshard plan", "reshard status"]);
test("every verb that changes something has --dry-run, and every verb shows JSON", () => {
  const program = makeProgram(silent, "/nonexistent/state");
  for (const args of verbs) {
    const [first, second = ""] = args;
    const outer = program.commands.find((command) => command.name() === first);
    const inner = outer?.commands.find((command) => command.name() === second) ?? outer;
    const name = inner === outer ? first : `${first} ${second}`;
    const options = (inner?.options ?? []).map(({ long }) => long);
    expect([name, options.includes("--dry-run"), options.includes("--output")]).toEqual([
      name,
      !views.has(name ?? ""),
      true,
    ]);
  }
});

test.each([
  ["seed", "--people", "none"],
  ["seed", "--people", "0"],
  ["seed", "--people", "5", "--prefix", "Über"],
  ["bots", "create", "--name", "x", "--guild", "12a"],
  ["chat"],
  ["status", "-o", "yaml"],
  ["nonsense"],
  ["move", "3", "guild-0"],
  ["move", "8/8", "guild-0"],
  ["move", "3/8"],
  ["reshard", "apply"],
  ["reshard", "apply", "--to", "6"],
  ["reshard", "plan", "--to", "131072"],
  ["trace", "abc"],
  ["sessions", "--limit", "-1"],
  ["drain"],
  ["backup"],
])("refuses %s %s %s", async (...args) => {
  await expect(run(...args)).rejects.toMatchObject({ code: expect.stringMatching(/^commander\./) });
});

test("finds the sockets of a fleet through its state folder, also when it is a link", async () => {
  await using folder = await makeTempDir();
  writeFileSync(join(folder.path, "endpoints.json"), JSON.stringify({ api: "http://127.0.0.1:1/api/v10" }));
  mkdirSync(join(folder.path, "short"));
  symlinkSync("short", join(folder.path, "run"));
  const fleet = openFleet(folder.path);
  expect(fleet.endpoints.api).toBe("http://127.0.0.1:1/api/v10");
  expect(fleet.socketOf("user-0")).toBe(`unix:${realpathSync(join(folder.path, "short"))}/user-0.sock`);
});

test("nobody's message moves the cursor, colours the terminal or turns the text around", () => {
  expect(plain("a\u001b[31mb\u0007c\u202ed\u009be\tf")).toBe("a[31mbcde  f");
});

test("shows time, name and text, further lines below the first", () => {
  const message = {
    id: "1",
    channel_id: "2",
    content: "one\ntwo\u001b[2J",
    timestamp: "2026-01-02T03:04:05.678000+00:00",
    author: { id: "3", username: "ada", global_name: "Ada" },
  };
  expect(renderMessage(message, "UTC")).toBe("03:04  Ada  one\n            two[2J");
});

test("shows a refusal in one line with the field's own message", () => {
  const text = JSON.stringify({
    message: "Invalid Form Body",
    code: 50035,
    errors: { content: { _errors: [{ code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer in length." }] } },
  });
  expect(refusal(400, text)).toBe("Invalid Form Body Must be 2000 or fewer in length. (HTTP 400, code 50035)");
  expect(refusal(502, "<html>")).toBe("refused (HTTP 502)");
});

test("sums the samples of a metric and of no other", () => {
  const page = '# HELP a_total x\na_total{p="1"} 2\na_total{p="2"} 3.5\na_total_more 9\nb 1e3\n';
  expect(sumOfMetric(page, "a_total")).toBe(5.5);
  expect(sumOfMetric(page, "b")).toBe(1000);
  expect(sumOfMetric(page, "c")).toBeUndefined();
});

test("seeds the same names for the same numbers", () => {
  const people = seedPeople({ people: 2, prefix: "person", password: "" });
  expect(people.map(({ username }) => username)).toEqual(["person1", "person2"]);
});

test("tables line up without borders", () => {
  expect(renderTable(["A", "B"], [["long cell", "x"]])).toBe("A          B\nlong cell  x");
});
