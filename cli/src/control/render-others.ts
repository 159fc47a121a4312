import type { GatewayView, TraceView } from "@guildhall/dev/control";
import { renderTable } from "../terminal.ts";
import { duration } from "./numbers.ts";

/** `guildhall sessions`: gateways, then the latest sessions of each. */
export function renderSessions(gateways: readonly GatewayView[], nowMs: number): string {
  const rows = gateways.map(({ gateway, state, connected, waiting, adopted }) => [
    gateway,
    state,
    String(connected),
    String(waiting),
    String(adopted),
  ]);
  const sections = [renderTable(["GATEWAY", "STATE", "CONNECTED", "WAITING", "TAKEN OVER"], rows)];
  const sessions = gateways.flatMap(({ gateway, sessions }) => sessions.map((session) => ({ gateway, ...session })));
  if (sessions.length > 0) {
    const lines = sessions.map(
      ({ gateway, id, userId, state, s, guilds, clientShard, sinceMs, encoding, hereOnly }) => [
        `${id}…`,
        gateway,
        userId,
        hereOnly ? `${state}, resume here only` : state,
        String(s),
        String(guilds),
        clientShard,
        encoding,
        duration(Math.max(0, nowMs - sinceMs)),
      ],
    );
    const head = ["SESSION", "GATEWAY", "USER", "STATE", "S", "GUILDS", "CLIENT SHARD", "ENCODING", "FOR"];
    sections.push(renderTable(head, lines));
  }
  return sections.join("\n\n");
}

/** `guildhall trace`: each step with the time since the first. */
export function renderTrace({ topic, seq, steps, silent }: TraceView): string {
  const startUs = steps[0]?.atUs ?? 0;
  const rows = steps.map(({ atUs, process, what, detail }) => [
    new Date(atUs / 1_000).toISOString().slice(11, 23),
    `+${((atUs - startUs) / 1_000).toFixed(2)} ms`,
    process,
    what,
    detail,
  ]);
  const table = renderTable(["TIME", "AFTER", "PROCESS", "WHAT", ""], rows);
  const missing = silent.length === 0 ? "" : `\n\ndid not answer: ${silent.join(", ")}`;
  return `guild ${topic}, event ${seq}\n\n${table}${missing}`;
}
