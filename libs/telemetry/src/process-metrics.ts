import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metrics } from "./metrics.ts";

const resolutionMs = 20;

/** Adds the process's own metrics: CPU, resident memory, heap, event loop. Disposal stops the measuring. */
export function addProcessMetrics(metrics: Metrics): Disposable {
  const cpu = metrics.counter("guildhall_process_cpu_seconds_total", "CPU time used by the process.", ["mode"]);
  const resident = metrics.gauge("guildhall_process_resident_bytes", "Resident memory of the process.");
  const heap = metrics.gauge("guildhall_process_heap_used_bytes", "JavaScript heap in use.");
  const lag = metrics.gauge("guildhall_process_event_loop_lag_seconds", "Event loop lag since the last reading.", [
    "quantile",
  ]);
  const busy = metrics.gauge(
    "guildhall_process_event_loop_utilization",
    "Busy share of the event loop since the last reading.",
  );
  const started = metrics.gauge("guildhall_process_start_time_seconds", "Unix time at which the process began.");
  started.set(Math.round(performance.timeOrigin) / 1_000);

  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let lastCpu = { user: 0, system: 0 };
  let lastLoop = performance.eventLoopUtilization();
  const reading = metrics.beforeRead(() => {
    const nowCpu = process.cpuUsage();
    cpu.inc({ mode: "user" }, (nowCpu.user - lastCpu.user) / 1e6);
    cpu.inc({ mode: "system" }, (nowCpu.system - lastCpu.system) / 1e6);
    lastCpu = nowCpu;
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    for (const [quantile, percent] of [
      ["0.5", 50],
      ["0.99", 99],
      ["1", 100],
    ] as const) {
      const seconds = delay.percentile(percent) / 1e9 - resolutionMs / 1e3;
      lag.set({ quantile }, Number.isFinite(seconds) ? Math.max(0, seconds) : 0);
    }
    delay.reset();
    const loop = performance.eventLoopUtilization();
    busy.set(performance.eventLoopUtilization(loop, lastLoop).utilization);
    lastLoop = loop;
  });
  return {
    [Symbol.dispose]() {
      delay.disable();
      reading[Symbol.dispose]();
    },
  };
}
