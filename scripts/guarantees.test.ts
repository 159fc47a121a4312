import { existsSync, globSync, readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

const page = readFileSync("docs/guarantees.md", "utf8");

test("every test that the page of guarantees names is there", () => {
  const missing: string[] = [];
  const named = [...page.matchAll(/`([\w./-]+\.test\.ts)`: "([^"]+)"/g)];
  for (const [, file = "", title = ""] of named) {
    if (file.startsWith("scripts/")) continue;
    if (!existsSync(file) || !readFileSync(file, "utf8").includes(title)) missing.push(`${file}: ${title}`);
  }
  expect(missing).toEqual([]);
  expect(named.length).toBeGreaterThan(20);
});

test("every check and every ablation that it names is there", () => {
  const checks = [...page.matchAll(/`(sim\/src\/checks\/[\w-]+\.ts)`/g)].map(([, file = ""]) => file);
  expect(checks.filter((file) => !existsSync(file))).toEqual([]);
  const sources = globSync("sim/src/ablations/*.ts").map((file) => readFileSync(file, "utf8"));
  const lists = [...page.matchAll(/^ {2}- ablations? (.*)$/gm)].map(([, list = ""]) => list);
  const names = lists.flatMap((list) => [...list.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name));
  expect(names.filter((name) => !sources.some((source) => source.includes(`name: "${name}"`)))).toEqual([]);
  expect(names.length).toBeGreaterThan(10);
});

test("every promise of the page names what holds it", () => {
  const promises = (page.split("## What is not promised")[0] ?? "").split(/^- \*\*/m).slice(1);
  expect(promises.filter((promise) => !/\.test\.ts`: "|ablation/.test(promise))).toEqual([]);
  expect(promises.length).toBeGreaterThan(15);
});
