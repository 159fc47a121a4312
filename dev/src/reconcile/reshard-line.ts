import type { ReshardStatus } from "@guildhall/proto";

/** How a reshard stands, in one line that changes only with its phase; "" when there was none. */
export function reshardLine({ phase, from, to, planHash, approved, worstPauseMs, total }: ReshardStatus): string {
  const subject = `reshard ${from} -> ${to}`;
  switch (phase) {
    case "":
      return "";
    case "Planned":
      return approved
        ? `${subject}: planned and approved`
        : `${subject}: planned; \`guildhall reshard plan\` shows it, \`guildhall reshard approve ${planHash}\` begins it`;
    case "Splitting":
      return `${subject}: shards are split where they are`;
    case "Moving":
      return `${subject}: ${total} shards move to other hosts`;
    case "Completed":
      return `${subject}: completed, worst pause ${worstPauseMs.toFixed(0)} ms`;
    default:
      return `${subject}: ${phase.toLowerCase()}`;
  }
}
