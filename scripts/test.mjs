// `npm test`: static checks, then unit and contract suites (two at once), then the suites that start real fleets (one at
// a time, so that they do not slow one another). Ends with one plain line, `N passed, N failed`.
// `npm test -- PATTERN ...` runs the test files that match, without the static checks.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const asked = process.argv.slice(2);
const results = mkdtempSync(join(tmpdir(), "guildhall-test-"));
const totals = { passed: 0, failed: 0, skipped: 0 };

function run(label, command, args) {
  process.stdout.write(`\n== ${label}\n`);
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  return status === 0;
}

function check() {
  if (run("static checks", "npm", ["run", "--silent", "check:now"])) totals.passed += 1;
  else totals.failed += 1;
}

/** The page of routes counts what tests have shown in this very run. */
function coverage() {
  const args = ["scripts/api-coverage.mjs", "--verify", join(results, "fleet.json")];
  if (run("coverage of the API", process.execPath, args)) totals.passed += 1;
  else totals.failed += 1;
}

function jest(label, args) {
  const file = join(results, `${label}.json`);
  const flags = ["--disable-warning=ExperimentalWarning", "--experimental-vm-modules", "node_modules/jest/bin/jest.js"];
  const fine = run(label, process.execPath, [...flags, `--json`, `--outputFile=${file}`, ...args]);
  let summary;
  try {
    summary = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    totals.failed += 1;
    return;
  }
  totals.passed += summary.numPassedTests;
  const failed = summary.numFailedTests + summary.numRuntimeErrorTestSuites;
  totals.failed += failed === 0 && !fine ? 1 : failed;
  totals.skipped += summary.numPendingTests + summary.numTodoTests;
}

try {
  if (asked.length > 0) {
    jest("asked", ["--runInBand", "--passWithNoTests=false", ...asked]);
  } else {
    check();
    jest("unit", ["--maxWorkers=2", "--selectProjects", "unit"]);
    jest("fleet", ["--runInBand", "--selectProjects", "fleet"]);
    coverage();
    // A suite that did not run has not passed.
    totals.failed += totals.skipped;
  }
} finally {
  rmSync(results, { recursive: true, force: true });
}
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed\n`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
