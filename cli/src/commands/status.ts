import type { FleetHandle, FleetProcess } from "../fleet.ts";
import { type Output, renderTable } from "../terminal.ts";

/** What is known of one process. */
export interface ProcessStatus {
  readonly name: string;
  readonly pid: number;
  readonly state: "ready" | "not ready" | "gone";
  readonly reason: string;
  readonly residentMiB: number | undefined;
  readonly sessions: number | undefined;
}

const timeoutMs = 2_000;

/** The sum of a metric's samples on a Prometheus page; undefined when it has none. */
export function sumOfMetric(page: string, name: string): number | undefined {
  let sum: number | undefined;
  for (const line of page.split("\n")) {
    if (!line.startsWith(name)) continue;
    const rest = line.slice(name.length);
    if (!rest.startsWith(" ") && !rest.startsWith("{")) continue;
    const value = Number(rest.slice(rest.lastIndexOf(" ") + 1));
    if (Number.isFinite(value)) sum = (sum ?? 0) + value;
  }
  return sum;
}

async function fetchText(url: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, text: await response.text() };
  } catch {
    // Not there, or not in time: both mean that nobody can use it.
    return undefined;
  }
}

async function inspect({ name, pid, metrics }: FleetProcess): Promise<ProcessStatus> {
  const [ready, page] = await Promise.all([fetchText(new URL("/readyz", metrics).href), fetchText(metrics)]);
  const state = ready === undefined ? "gone" : ready.status === 200 ? "ready" : "not ready";
  const residentBytes = page === undefined ? undefined : sumOfMetric(page.text, "guildhall_process_resident_bytes");
  return {
    name,
    pid,
    state,
    reason: state === "not ready" ? (ready?.text ?? "") : "",
    residentMiB: residentBytes === undefined ? undefined : Math.round(residentBytes / 2 ** 20),
    sessions: page === undefined ? undefined : sumOfMetric(page.text, "guildhall_gateway_sessions"),
  };
}

/** Shows every process of the fleet. Returns whether all are ready. */
export async function status(fleet: FleetHandle, format: "table" | "json", output: Output): Promise<boolean> {
  const { api, gateway, processes } = fleet.endpoints;
  const found = await Promise.all(processes.map(inspect));
  if (format === "json") {
    output.line(JSON.stringify({ api, gateway, processes: found }, null, 2));
  } else {
    const cell = (value: number | undefined) => (value === undefined ? "-" : String(value));
    const rows = found.map((one) => [
      one.name,
      String(one.pid),
      one.state,
      cell(one.sessions),
      cell(one.residentMiB),
      one.reason,
    ]);
    output.line(renderTable(["PROCESS", "PID", "STATE", "SESSIONS", "MIB", ""], rows));
    output.line(`\napi      ${api}\ngateway  ${gateway}`);
  }
  return found.every(({ state }) => state === "ready");
}
