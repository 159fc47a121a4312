import { cpuUsage, memoryUsage } from "node:process";
import type { Statistics } from "../domain/ports.ts";

/** What this process takes, as the machine counts it. */
export function makeStatistics(): Statistics {
  return {
    cpuSeconds() {
      const { user, system } = cpuUsage();
      return (user + system) / 1e6;
    },
    memoryBytes: () => memoryUsage.rss(),
  };
}
