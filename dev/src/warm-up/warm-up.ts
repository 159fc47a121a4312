import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "../config.ts";
import { compileCache } from "../supervisor/node-flags.ts";

/** What services are made of. */
const sources = ["libs", "services"].map((name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url)));

/** A start goes on without a warm cache rather than wait longer than this. */
const limitMs = 60_000;

/**
 * Fills Node's compile cache when a source has changed since the last time, in a process that loads every service and
 * ends. Without it each process strips the types of changed files by itself, and keeps what does that, some 15 MB, for as
 * long as it runs.
 */
export async function warmUp(signal?: AbortSignal): Promise<void> {
  const stamp = join(compileCache, "warm");
  const now = fingerprint();
  if (readIfThere(stamp) === now) return;
  const child = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), {
    // No process takes that as a port.
    env: childEnvironment({ NODE_COMPILE_CACHE: compileCache, GUILDHALL_METRICS_PORT: "none" }),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true,
  });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  const limit = setTimeout(stop, limitMs);
  let isWarm = false;
  child.once("message", () => {
    isWarm = true;
  });
  try {
    await once(child, "close");
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener("abort", stop);
  }
  signal?.throwIfAborted();
  if (isWarm) writeIfPossible(stamp, now);
}

/** Which Node would load which files. */
function fingerprint(): string {
  const hash = createHash("sha256").update(process.version);
  for (const folder of sources) {
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const { mtimeMs, size } = statSync(join(folder, name));
      hash.update(`${name} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest("hex");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Where the checkout cannot be written to, neither can the cache: each start tries again. */
function writeIfPossible(path: string, content: string): void {
  try {
    mkdirSync(compileCache, { recursive: true });
    writeFileSync(path, content);
  } catch {}
}
