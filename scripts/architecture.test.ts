import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect, test } from "@jest/globals";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Lower tiers never depend on higher ones; what is in one set of the last tiers never depends on its neighbours. */
const tierOfLib: Readonly<Record<string, number>> = {
  errors: 0,
  json: 0,
  permissions: 0,
  protocol: 0,
  slots: 0,
  snowflake: 0,
  visibility: 0,
  config: 1,
  lifecycle: 1,
  proto: 1,
  telemetry: 1,
  rpc: 2,
  testing: 2,
};
const serviceTier = 3;
const topTier = 4;

const folders = globSync(["libs/*/package.json", "services/*/package.json", "*/package.json"], {
  exclude: ["node_modules/**"],
}).map(dirname);
const manifests = new Map(
  folders.map((folder) => [folder, JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Manifest]),
);
const folderOf = new Map(Array.from(manifests, ([folder, { name }]) => [name, folder]));

function tierOf(folder: string): number {
  const [root, name = ""] = folder.split("/");
  if (root === "libs") return tierOfLib[name] ?? Number.NaN;
  return root === "services" || root === "operator" ? serviceTier : topTier;
}

function ownDependencies(manifest: Manifest): string[] {
  return Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith("@guildhall/"));
}

test("every library has a tier", () => {
  const without = folders.filter((folder) => Number.isNaN(tierOf(folder)));
  expect(without).toEqual([]);
});

test("dependencies point to lower tiers; services never to one another", () => {
  const wrong: string[] = [];
  for (const [folder, manifest] of manifests) {
    for (const name of ownDependencies(manifest)) {
      const target = folderOf.get(name) ?? "";
      const [from, to] = [tierOf(folder), tierOf(target)];
      const allowed = to < from || (to === from && from !== serviceTier);
      if (!allowed) wrong.push(`${folder} (tier ${from}) -> ${target} (tier ${to})`);
    }
  }
  expect(wrong).toEqual([]);
});

test("nothing but the operator and what talks to Kubernetes depends on @kubernetes/client-node", () => {
  const users = Array.from(manifests)
    .filter(([, manifest]) => manifest.dependencies?.["@kubernetes/client-node"] !== undefined)
    .map(([folder]) => folder);
  expect(users.filter((folder) => folder !== "operator")).toEqual([]);
});

test("domain folders import no adapter, no client and no transport", () => {
  const wrong: string[] = [];
  for (const file of globSync("services/*/src/domain/**/*.ts", { exclude: ["**/*.test.ts"] })) {
    const imports = readFileSync(file, "utf8").matchAll(/^(import|export)\s+(type\s)?[^"]*"([^"]+)"/gm);
    for (const [, , type, source = ""] of imports) {
      const outside = /\/(rpc|clients|transport)\//.test(source) || source.startsWith("@grpc/");
      const adapter = type === undefined && /\/store\//.test(source);
      if (outside || adapter || source === "@guildhall/rpc") wrong.push(`${file}: ${source}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("every service has the rooms a reader looks for", () => {
  const missing = globSync("services/*/package.json")
    .map(dirname)
    .flatMap((folder) =>
      ["README.md", "src/main.ts", "src/index.ts", "src/service.ts", "src/config.ts"]
        .filter((file) => globSync(`${folder}/${file}`).length === 0)
        .map((file) => `${folder}/${file}`),
    );
  expect(missing).toEqual([]);
});
