import { fileURLToPath } from "node:url";
import type { Part } from "@guildhall/operator/plan";

/** Where Node keeps compiled code and stripped TypeScript: 0.3 s of CPU and 30 MB less for each process. */
export const compileCache = fileURLToPath(new URL("../../../node_modules/.cache/guildhall-compile", import.meta.url));

/** Young generation at most (MB). Node's own limit is 16, which an idle process never gives back. */
const semiSpaceMb: Record<Part, number> = {
  data: 4,
  coordinator: 1,
  router: 4,
  user: 2,
  guild: 4,
  gateway: 4,
  api: 4,
};

/** Flags of Node for a process of a part. */
export function nodeFlags(part: Part): string[] {
  return ["--disable-warning=ExperimentalWarning", `--max-semi-space-size=${semiSpaceMb[part]}`];
}

/** Environment that makes Node processes start sooner and stay smaller. */
export const nodeEnvironment = {
  NODE_COMPILE_CACHE: compileCache,
  // One arena for each thread, glibc's default, keeps several MB of freed memory in each.
  MALLOC_ARENA_MAX: "2",
} as const;
