import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The modules that an entry reaches, by their paths from the root of the repository. */
export interface ImportGraph {
  /** Repository files that run. */
  readonly modules: ReadonlySet<string>;
  /** Those and the ones that only types are taken from. */
  readonly named: ReadonlySet<string>;
  /** What is not the repository's ("node:crypto", "lru-cache"), with the files that import it. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
}

const root = join(import.meta.dirname, "..", "..");
const statement = /^(?:import|export)\s(?:(type)\s)?(?:[^"';]*?\sfrom\s)?"([^"]+)"/gm;

/** Follows the imports of a file, as Node does. */
export function readImportGraph(entry: string): ImportGraph {
  const packages = readPackages();
  const modules = new Set<string>();
  const named = new Set<string>();
  const foreign = new Map<string, string[]>();

  const visit = (file: string, runs: boolean): void => {
    const seen = runs ? modules : named;
    if (seen.has(file)) return;
    seen.add(file);
    named.add(file);
    if (file.endsWith(".json")) return;
    for (const [, type, source = ""] of readFileSync(join(root, file), "utf8").matchAll(statement)) {
      const target = source.startsWith(".") ? relative(root, join(root, dirname(file), source)) : packages.get(source);
      const isRun = runs && type === undefined;
      if (target !== undefined) visit(target, isRun);
      else if (isRun) foreign.set(source, [...(foreign.get(source) ?? []), file]);
    }
  };
  visit(entry, true);
  return { modules, named, foreign };
}

/** What the packages of the repository export: specifier to file. */
function readPackages(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const path of globSync(["libs/*/package.json", "services/*/package.json", "operator/package.json"], {
    cwd: root,
  })) {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, path), "utf8")) as {
      readonly name: string;
      readonly exports?: string | Readonly<Record<string, string>>;
    };
    const doors = typeof exports === "string" ? { ".": exports } : exports;
    for (const [door, file] of Object.entries(doors)) {
      found.set(join(name, door), join(dirname(path), file));
    }
  }
  return found;
}

/** Where in a file something occurs that reaches out of the simulation: "Date", "Math.random" and so on. */
export function impuritiesOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  return impure.filter(([pattern]) => pattern.test(source)).map(([, name]) => `${file}: ${name}`);
}

const impure: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b|\bnew Date\(\)/, "the wall clock"],
  [/\bperformance\b/, "the real clock"],
  [/\bMath\.random\b|\brandomUUID\b|\brandomBytes\b/, "chance that no seed decides"],
  [/\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bprocess\.nextTick\b/, "real timers"],
  [/\bWorker\b|\bSharedArrayBuffer\b/, "threads"],
  [/(?<![#.\w])fetch\(|\bnew WebSocket\(/, "the real network"],
];

/** Whether a file holds more than types. */
export function hasCode(file: string): boolean {
  return /^(?:export )?(?:async )?(?:function|class|const|let)\b/m.test(readFileSync(join(root, file), "utf8"));
}

/** Source files of folders, without tests and their helpers. */
export function sourcesOf(...patterns: readonly string[]): string[] {
  return globSync([...patterns], { cwd: root }).filter(
    (file) => !/\.(test|contract)\.ts$/.test(file) && existsSync(join(root, file)),
  );
}
