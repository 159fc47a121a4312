import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "../config.ts";
import { compileCache } from "../supervisor/node-flags.ts";

/**
 * Fills Node's compile cache once for a checkout, in a process that loads every service and ends. Without it each process
 * of a first start strips the types of all its files by itself, and keeps some 30 MB of that for as long as it runs.
 */
export async function warmUp(signal?: AbortSignal): Promise<void> {
  const stamp = join(compileCache, `warm-${process.version}`);
  if (existsSync(stamp)) return;
  const child = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), {
    // No process takes that as a port.
    env: childEnvironment({ NODE_COMPILE_CACHE: compileCache, GUILDHALL_METRICS_PORT: "none" }),
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true,
  });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop);
  let isWarm = false;
  child.once("message", () => {
    isWarm = true;
  });
  await once(child, "close");
  signal?.removeEventListener("abort", stop);
  signal?.throwIfAborted();
  if (isWarm) markWarm(stamp);
}

/** Where the checkout cannot be written to, neither can the cache: each start tries again. */
function markWarm(stamp: string): void {
  try {
    mkdirSync(compileCache, { recursive: true });
    writeFileSync(stamp, "");
  } catch {}
}
