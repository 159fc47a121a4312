import type {
  HostsView,
  MoveView,
  PlannedMoveView,
  ReshardPlanView,
  ReshardView,
  ShardsView,
  ShardView,
} from "@guildhall/dev/control";
import { renderTable } from "../terminal.ts";
import { bytes, duration, moment, percent, rate } from "./numbers.ts";

/** `guildhall shards`: who owns what, and how a doubling stands. */
export function renderShards({ shards, serving, desired, paused, mapVersion, reshard }: ShardsView): string {
  const head = ["SHARD", "HOST", "EPOCH", "STATE", "MOVING TO", "TOPICS", "COMMANDS/S", "EVENTS/S", "CPU"];
  const rows = shards.map(({ shard, host, epoch, state, movingTo, load }: ShardView) => [
    shard,
    host || "-",
    String(epoch),
    state,
    movingTo ?? "-",
    String(load.topics),
    rate(load.commandsPerS),
    bytes(load.bytesPerS),
    percent(load.cpuShare),
  ]);
  const wanted = desired === serving ? "" : `, ${desired} wanted`;
  const facts = [`${serving} shards serve${wanted}; map version ${mapVersion}${paused ? "; paused" : ""}`];
  if (reshard.phase !== "") facts.push(renderReshard(reshard));
  return `${renderTable(head, rows)}\n\n${facts.join("\n")}`;
}

/** How a doubling stands, in one line. */
export function renderReshard(reshard: ReshardView): string {
  const { phase, from, to, planHash, approved, paused, split, moved, total, worstPauseMs, message } = reshard;
  if (phase === "") return "no reshard yet";
  const facts: Readonly<Record<string, string>> = {
    Planned: approved ? `plan ${planHash}, approved` : `plan ${planHash}, waits for \`guildhall reshard approve\``,
    Splitting: `${split}/${from} shards split`,
    Moving: `${moved}/${total} shards moved`,
    Completed: `${total} shards moved`,
  };
  const parts = [facts[phase] ?? "", worstPauseMs > 0 ? `worst pause ${duration(worstPauseMs)}` : ""];
  if (paused) parts.push("paused");
  // What the coordinator says of an approval is said above.
  const isSaid = (paused && message === "paused") || (phase === "Planned" && !approved);
  if (!isSaid) parts.push(message);
  const detail = parts.filter((part) => part !== "").join(", ");
  return `reshard ${from} -> ${to}: ${phase}${detail === "" ? "" : ` (${detail})`}`;
}

/** `guildhall hosts`: hosts, the newest moves, and what was decided about balance. */
export function renderHosts({ hosts, imbalance, mode, decisions, moves }: HostsView): string {
  const head = ["HOST", "STATE", "SHARDS", "LOAD", "EPOCH", "RENEWED", "VERSION"];
  const rows = hosts.map(({ name, state, shards, load, epochMax, renewedMsAgo, version }) => [
    name,
    state,
    String(shards),
    percent(load),
    String(epochMax),
    state === "Absent" ? "-" : `${duration(renewedMsAgo)} ago`,
    version || "-",
  ]);
  const balance = imbalance === 0 ? "no load is known yet" : `the busiest host has ${imbalance.toFixed(2)} x the mean`;
  const sections = [renderTable(head, rows), `balancing: ${mode || "-"}; ${balance}`];
  if (moves.length > 0) sections.push(renderMoves(moves.slice(-5)));
  if (decisions.length > 0) {
    const lines = decisions.slice(-5).map(({ atMs, subject, action, reason }) => {
      const why = reason === "" ? "" : `: ${reason}`;
      return [moment(atMs), subject, `${action}${why}`];
    });
    sections.push(renderTable(["DECIDED AT", "ABOUT", "WHAT AND WHY"], lines));
  }
  return sections.join("\n\n");
}

function renderMoves(moves: readonly MoveView[]): string {
  const rows = moves.map(({ startedMs, shard, from, to, state, pauseMs, reason }) => [
    moment(startedMs),
    shard,
    `${from} -> ${to}`,
    state,
    pauseMs > 0 ? duration(pauseMs) : "-",
    reason,
  ]);
  return renderTable(["MOVED AT", "SHARD", "HOSTS", "STATE", "PAUSE", ""], rows);
}

/** What doubling would do. */
export function renderPlan({ from, to, hash, splits, moves }: ReshardPlanView): string {
  const rows = splits.map(({ shard, host, lowTopics, highTopics, lowLoad, highLoad }) => {
    const [i = 0, n = 1] = shard.split("/").map(Number);
    return [
      shard,
      host,
      `${i}/${2 * n} (${topics(lowTopics)}, ${percent(lowLoad)})`,
      `${i + n}/${2 * n} (${topics(highTopics)}, ${percent(highLoad)})`,
    ];
  });
  const then = moves.length === 0 ? "none has to move" : `${moves.length} to move`;
  const sections = [
    `plan ${hash}: ${from} -> ${to} shards; each splits where it is, then ${then}`,
    renderTable(["SHARD", "HOST", "BECOMES (GUILDS, LOAD)", "AND"], rows),
  ];
  if (moves.length > 0) sections.push(renderPlannedMoves(moves));
  return sections.join("\n\n");
}

function topics(count: number): string {
  return count === 1 ? "1 guild" : `${count} guilds`;
}

/** Moves that are to be. */
export function renderPlannedMoves(moves: readonly PlannedMoveView[]): string {
  const rows = moves.map(({ shard, from, to, reason }) => [shard, `${from} -> ${to}`, reason]);
  return renderTable(["SHARD", "HOSTS", "WHY"], rows);
}

/** How one move went. */
export function renderMove({ shard, from, to, state, pauseMs, reason }: MoveView): string {
  const why = reason === "" ? "" : `: ${reason}`;
  switch (state) {
    case "":
      return `would move ${shard} ${from} -> ${to}`;
    case "Done":
      return `moved ${shard} ${from} -> ${to}, pause ${duration(pauseMs)}`;
    default:
      return `${shard} ${from} -> ${to}: ${state}${why}`;
  }
}
