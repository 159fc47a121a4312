import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "@jest/globals";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "guildhall-test-"));
});

afterEach(() => rm(base, { recursive: true, force: true }));

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** What `npm start -- …args` does that ends by itself. */
async function run(...args: string[]) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args]);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once("exit", resolve)),
  ]);
  return { stdout, stderr, code };
}

function fileOf(name: string, content: string): string {
  const path = join(base, name);
  writeFileSync(path, content);
  return path;
}

test("tells its options", async () => {
  expect(await run("--help")).toEqual({ code: 0, stderr: "", stdout: expect.stringContaining("--state DIR") });
});

test("refuses an unknown option in one line", async () => {
  expect(await run("--stat", base)).toEqual({ code: 1, stdout: "", stderr: expect.stringMatching(/^.*--stat.*\n$/) });
});

test("refuses a taken port in one line that names it and the option", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    const { code, stderr } = await run("--state", join(base, "state"), "--port", String(port));
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^guildhall: PORT_TAKEN: port ${port} \\(api\\) .* --port N .*\\n$`));
  } finally {
    server.close();
  }
});

test("refuses state of another version in one line", async () => {
  fileOf("version", "2\n");
  const { code, stderr } = await run("--state", base, "--port", "0");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^guildhall: STATE_VERSION: the state in .* has version 2, .*\n$/);
});

test.each([
  ["a: [1\nb: 2\n", /:\d+:\d+: /],
  ["", /: is empty\n$/],
  ["kind: ShardSet\n---\nkind: ShardSet\n", /holds 2 documents, must be one/],
  ["a: 1\na: 2\n", /:2:1: Map keys must be unique/],
  ["kind: ShardSet\nspec: {shards: 3}\n", /apiVersion: is required; .*spec\.shards: must be a power of two/],
])("refuses the file %j in one line that names the place", async (content, pattern) => {
  const file = fileOf("spec.yaml", content);
  const { code, stderr } = await run("--state", join(base, "state"), "--spec", file);
  expect(code).toBe(1);
  expect(stderr).toMatch(pattern);
  expect(stderr.startsWith(`guildhall: BAD_SPEC: ${file}:`)).toBe(true);
  expect(stderr.trimEnd()).not.toContain("\n");
});

test("refuses a file that is not there", async () => {
  const { code, stderr } = await run("--spec", join(base, "none.yaml"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^guildhall: BAD_SPEC: cannot read the spec: .*none\.yaml.*\n$/);
});
