#!/usr/bin/env node
// Starts the tool on the Node that the checkout pins, when this one is too old to strip types.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(import.meta.resolve("@guildhall/cli/main"));
const pinned = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));
const recent = Number(process.versions.node.split(".")[0]) >= 24;
if (!recent && !existsSync(pinned)) {
  process.stderr.write("guildhall needs Node 24 or newer, or a checkout in which `npm start` has run once\n");
  process.exit(1);
}
const flags = ["--disable-warning=ExperimentalWarning", main, ...process.argv.slice(2)];
const { status, signal } = spawnSync(recent ? process.execPath : pinned, flags, { stdio: "inherit" });
process.exitCode = status ?? (signal === null ? 1 : 130);
