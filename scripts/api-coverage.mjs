// Writes docs/api-coverage.md: every documented route of the REST API, and whether it is done here.
//
//   node scripts/api-coverage.mjs                         write the page
//   node scripts/api-coverage.mjs --check                 fail when the page is not what would be written
//   node scripts/api-coverage.mjs --record results.json   first take up, into e2e/route-evidence.json, the tests that
//                                                         passed in results of `jest --json --outputFile=results.json`
//   node scripts/api-coverage.mjs --verify results.json   fail when page or evidence are not what those results give
//
// A route is done when services/api serves it and e2e/route-evidence.json names a test for each side that it has. The
// tests are called "<method> <path> <side>", e.g. "POST /channels/{c}/messages event".
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { restEndpoints } from "../libs/protocol/src/index.ts";
import { routes } from "../services/api/src/index.ts";

const page = "docs/api-coverage.md";
const evidenceFile = "e2e/route-evidence.json";
const sides = { success: "success", permission: "missing permission", form: "bad body", event: "event" };

function readEvidence() {
  return existsSync(evidenceFile) ? JSON.parse(readFileSync(evidenceFile, "utf8")) : {};
}

/** The tests of routes that passed. */
function evidenceIn(resultsFile) {
  const { testResults } = JSON.parse(readFileSync(resultsFile, "utf8"));
  const found = {};
  for (const { fullName, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    const match = /^([A-Z]+ \/\S*) (\w+)$/.exec(fullName);
    if (match === null || !(match[2] in sides)) continue;
    const [, name, side] = match;
    found[name] = { ...found[name], ...(status === "passed" && { [side]: fullName }) };
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function formatEvidence(evidence) {
  return `${JSON.stringify(evidence, undefined, 2)}\n`;
}

/** The sides that a route has, each to be shown by a test. */
function sidesOf(endpoint, route) {
  const isGuarded = route.needs !== "-" || route.caller === "bot" || route.caller === "person";
  const takesForm = route.body !== undefined || route.query !== undefined;
  return {
    success: true,
    permission: isGuarded,
    form: takesForm,
    event: endpoint.events !== "",
  };
}

function rowOf(endpoint, evidence) {
  const name = `${endpoint.method} ${endpoint.path}`;
  const route = routes.find(({ method, path }) => `${method} ${path}` === name);
  const cells = [endpoint.tier, endpoint.method, `\`${cell(endpoint.path)}\``, cell(endpoint.needs) || "-"];
  if (route === undefined) return { endpoint, state: "not yet", cells: [...cells, "not yet", "", "", "", ""] };
  const has = sidesOf(endpoint, route);
  const shown = Object.keys(sides).map((side) => {
    if (evidence[name]?.[side] !== undefined) return "yes";
    return has[side] ? "no" : "-";
  });
  const state = shown.includes("no") ? "served" : "done";
  return { endpoint, state, cells: [...cells, state === "done" ? "done" : "not yet: tests missing", ...shown] };
}

function cell(text) {
  return text.replaceAll("|", "\\|");
}

function line(cells) {
  return `| ${cells.join(" | ")} |`;
}

function render(rows) {
  const count = (tier, state) => rows.filter((row) => row.endpoint.tier === tier && row.state === state).length;
  const summary = ["T1", "T2", "T3"].map((tier) => {
    const all = rows.filter(({ endpoint }) => endpoint.tier === tier).length;
    return line([tier, all, count(tier, "done"), count(tier, "served"), count(tier, "not yet")]);
  });
  const groups = [...new Set(rows.map(({ endpoint }) => endpoint.group))];
  const head = ["tier", "method", "path", "needs", "state", ...Object.values(sides)];
  return `# Coverage of the REST API

Written by \`node scripts/api-coverage.mjs\`; do not edit. A route is *done* when it is served and tests that ran show each
of its sides: success, a caller without the permission, a wrong body, and the events that follow. What is not served
answers 404 with code 0.

Tiers: T1 is what a bot or a chat client cannot do without, T2 what any real community uses, T3 the long tail.

| tier | routes | done | served, tests missing | not yet |
|---|---|---|---|---|
${summary.join("\n")}
${groups.map((group) => renderGroup(group, head, rows)).join("")}`;
}

function renderGroup(group, head, rows) {
  const own = rows.filter(({ endpoint }) => endpoint.group === group);
  return `
## ${group}

${line(head)}
|${"---|".repeat(head.length)}
${own.map(({ cells }) => line(cells)).join("\n")}
`;
}

const [option, resultsFile] = process.argv.slice(2);
const results = resultsFile === undefined ? undefined : evidenceIn(resultsFile);
const evidence = results ?? readEvidence();
const written = render(restEndpoints.map((endpoint) => rowOf(endpoint, evidence)));
const biome = spawnSync("node_modules/.bin/biome", ["format", `--stdin-file-path=${page}`], { input: written });
if (biome.status !== 0) throw new Error(`cannot format the page: ${biome.error ?? biome.stderr}`);
const wanted = { [page]: biome.stdout.toString(), [evidenceFile]: formatEvidence(evidence) };
for (const [file, text] of Object.entries(wanted)) {
  if (option !== "--check" && option !== "--verify") writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
    const remedy = option === "--verify" ? " --record with the results of the fleet suites" : "";
    process.stderr.write(`${file} is not fresh: run node scripts/api-coverage.mjs${remedy}\n`);
    process.exitCode = 1;
  }
}
